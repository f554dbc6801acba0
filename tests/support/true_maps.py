"""What a perfect page network would see in a drawing."""

import numpy as np

from digitocr.networks.page_network import CLASSES, LONGEST_PX, PageMaps, scaled_shape
from digitocr.training.datasets.page_cells import cell_classes, centre_lines


def true_maps(drawing):
    shape = scaled_shape(drawing.image.shape, LONGEST_PX)
    classes = np.eye(len(CLASSES), dtype=np.float32)[cell_classes(drawing, shape)]
    return PageMaps(classes, centre_lines(drawing, shape).astype(np.float32))
