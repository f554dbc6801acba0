from maintenance import disagreements


class TestReprocess:
    def test_what_another_threshold_read_is_read_again_from_the_archive(self, work):
        work.put("a.jpg", "1")
        work.put("b.jpg", "2")
        work.run()
        assert work.run(threshold=0.123).files == 0
        assert work.run(threshold=0.123, reprocess="changed").done == 2
        assert work.run(threshold=0.123, reprocess="changed").files == 0
        assert work.names("archive") == ["a.jpg", "b.jpg"]
        assert len(work.names("results/.old")) == 4
        assert disagreements(work) == []

    def test_all_is_read_again_once(self, work):
        for name, text in {"a.jpg": "1", "twin.jpg": "1", "bad.jpg": "BAD"}.items():
            work.put(name, text)
        work.run()
        work.reader.seen.clear()
        summary = work.run(reprocess="all")
        assert (summary.done, summary.duplicates, summary.failed) == (1, 1, 1)
        assert sorted(work.reader.seen) == ["a.jpg", "bad.jpg"]
        assert work.names("archive") == ["a.jpg", "twin.jpg"]
        assert work.names("failed") == ["bad.jpg", "bad.jpg.error.json"]
        assert disagreements(work) == []

    def test_what_failed_and_can_be_read_now_goes_to_the_archive(self, work, monkeypatch):
        work.put("a.jpg", "BAD 5")
        work.run()
        assert work.run(reprocess="changed").files == 0
        import fake_reader

        real = fake_reader.failed
        monkeypatch.setattr(
            fake_reader,
            "failed",
            lambda file, content, code, message: fake_reader.FileResult(
                file, content, (fake_reader.PageResult(1, (60, 400), fake_reader.numbers("5")),)
            ),
        )
        assert work.run(reprocess="failed").done == 1
        monkeypatch.setattr(fake_reader, "failed", real)
        assert work.names("archive") == ["a.jpg"]
        assert work.names("failed") == []
        assert disagreements(work) == []

    def test_in_another_folder(self, work):
        other = work.folder / "other"
        work.put("a.jpg", "1", other)
        work.put("bad.jpg", "BAD", other)
        work.run(other)
        assert work.run(other, reprocess="failed").failed == 1
        summary = work.run(other, reprocess="all")
        assert (summary.done, summary.failed, summary.unchanged) == (1, 1, 0)
