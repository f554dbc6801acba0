import os

from digitocr.settings import load_settings
from flows import serve


def test_a_template_that_is_added_changed_or_removed_is_noticed(tmp_path):
    settings = load_settings({"templates": tmp_path / "forms"})
    assert serve.templates_in(settings) == {}
    (tmp_path / "forms").mkdir()
    path = tmp_path / "forms" / "a.yaml"
    path.write_text("a")
    added = serve.templates_in(settings)
    assert list(added) == [str(path)]
    os.utime(path, ns=(1, 1))
    assert serve.templates_in(settings) != added
    path.unlink()
    assert serve.templates_in(settings) == {}
