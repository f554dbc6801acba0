import pytest


def pytest_collection_modifyitems(items):
    """All of this folder takes minutes."""
    for item in items:
        if "/soak/" in str(item.path):
            item.add_marker(pytest.mark.soak)
