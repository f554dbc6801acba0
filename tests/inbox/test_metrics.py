import time

from prometheus_client.parser import text_string_to_metric_families


class TestMetrics:
    def test_they_are_written_after_a_run_and_can_be_parsed(self, work):
        work.put("a.jpg", "1?")
        work.put("bad.jpg", "BAD")
        work.run(metrics_file="metrics/digitocr.prom")
        text = (work.folder / "metrics" / "digitocr.prom").read_text()
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        assert found["digitocr_files_total", "done"] == 1
        assert found["digitocr_files_total", "failed"] == 1
        assert found["digitocr_review_waiting",] == 1
        assert found["digitocr_quarantined_files",] == 1
        assert found["digitocr_last_run_end_timestamp_seconds",] > time.time() - 100

    def test_where_they_cannot_be_written_the_run_goes_on(self, work):
        work.put("a.jpg", "1")
        work.put("file", "")
        assert work.run(metrics_file=work.inbox / "README.md" / "x").done == 1
