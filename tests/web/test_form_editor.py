"""What the pages of forms ask, without a browser."""

import blank_form
import cv2
import pytest
from fake_reader import drawn
from reviewers import review_of
from starlette.testclient import TestClient

from digitocr.forms import template_file
from digitocr.web import form_editor
from digitocr.web.app import make_app

HOME = "http://127.0.0.1:8000"
HOSTILE = "</script><img src=x onerror=alert(1)> \u2028 \" ' {{ 7 * 7 }}"


def client(work, **options):
    settings = work.settings(**{"templates": work.folder / "forms"} | options)
    served = make_app(review_of(work), settings, takes_files=True)
    return TestClient(served, base_url=HOME, client=("127.0.0.1", 5000), headers={"origin": HOME})


@pytest.fixture
def page(work):
    work.run()
    with client(work) as client_:
        yield client_


@pytest.fixture(scope="module")
def empty():
    return cv2.imencode(".png", blank_form.drawn(blank_form.handwritten()))[1].tobytes()


@pytest.fixture
def begun(work, empty):
    """A form that was begun and never saved."""
    folder = work.folder / ".digitocr" / "forms"
    folder.mkdir(parents=True)
    (folder / "tally.png").write_bytes(empty)


def give(page, content):
    return page.put("/api/forms/sheet", content=content, headers={"content-type": "application/octet-stream"})


def begin(client_, content, name="tally", **more):
    sheet = give(client_, content).json()["sheet"]
    return client_.post("/api/forms/begin", json={"form": name, "sheet": sheet} | more)


def opened(page, name="tally"):
    return page.get("/api/forms/open", params={"form": name}).json()


def draft(said, **more):
    return {key: said[key] for key in ("form", "version", "size", "fields", "rules")} | more


def save(page, said, **more):
    return page.post("/api/forms/save", json={"draft": draft(said, **more), "stamp": said["stamp"]})


class TestMaking:
    def test_a_form_is_begun_saved_and_opened_again_as_it_was_saved(self, work, page, empty):
        assert begin(page, empty).status_code == 200
        said = opened(page)
        assert not said["saved"]
        assert len(said["fields"]) >= 40
        assert page.get("/forms/empty.png?form=tally").content.startswith(b"\x89PNG")
        said["fields"][0] |= {"name": "station"}
        said["fields"][0]["keys"] |= {"kind": "digits", "label": HOSTILE}
        rules = [{"name": "sum", "text": "station == field2 + field3"}]
        reply = save(page, said, rules=rules).json()
        assert reply["error"] is None
        template = template_file.load(work.folder / "forms" / "tally.yaml")
        assert template.features.is_file()
        assert template.field("station").length == (6, 6)
        assert template.rules[0].text == "station == field2 + field3"
        again = opened(page)
        assert again["stamp"] == reply["stamp"]
        assert again["fields"][1:] == said["fields"][1:]
        assert 'href="/forms/edit?form=tally"' in page.get("/forms").text
        assert save(page, again).json()["error"] is None

    def test_a_page_of_the_project_becomes_a_form(self, work, page, empty):
        work.put("a.png", drawn("5"))
        work.run()
        assert "from page 1 of <b>a.png</b>" in page.get("/forms?file=1&page=1").text
        assert page.post("/api/forms/begin", json={"form": "tally", "file": 1}).status_code == 200
        assert page.post("/api/forms/begin", json={"form": "tally", "file": 9}).status_code == 400

    def test_an_error_is_told_at_its_field_or_rule(self, begun, page):
        said = opened(page)

        def fault(at, rules=(), **keys):
            fields = [dict(field) for field in said["fields"]]
            fields[at] |= {"name": keys.pop("name", fields[at]["name"]), "keys": fields[at]["keys"] | keys}
            error = page.post("/api/forms/check", json=draft(said, fields=fields, rules=list(rules))).json()[
                "error"
            ]
            return error and (error["part"], error["index"], error["message"].partition(" (")[0])

        assert fault(0) is None
        assert fault(3, kind="date") == ("field", 3, "a date needs a 'format'")
        assert fault(5, name="field2") == ("field", 5, "'field2' is given twice")
        assert fault(7, name="") == ("field", 7, "a text is needed here")
        assert fault(2, name="a b")[:2] == ("field", 2)
        assert fault(1, cells=[[0, 0, 99999, 5]])[:2] == ("field", 1)
        rules = [{"name": "a", "text": "field1 == field2"}, {"name": "b", "text": "field1 == x"}]
        assert fault(0, rules)[:2] == ("rule", 1)
        assert fault(0, label=HOSTILE) is None

    def test_a_form_without_fields_is_refused_and_nothing_is_written(self, work, begun, page):
        said = opened(page)
        assert save(page, said, fields=[]).json()["error"]["message"] == "there are no fields"
        assert not (work.folder / "forms").exists()

    def test_who_saves_later_does_not_undo_what_another_saved(self, begun, page):
        said = opened(page)
        assert save(page, said).json()["error"] is None
        reply = save(page, said)
        assert reply.status_code == 409
        assert "somebody else has changed tally" in reply.json()["message"]

    @pytest.mark.soak
    def test_a_template_without_a_picture_gets_one_on_which_its_fields_lie_as_before(self, work, page, empty):
        begin(page, empty)
        save(page, opened(page))
        before = opened(page)
        (work.folder / ".digitocr" / "forms" / "tally.png").unlink()
        assert page.get("/forms/edit?form=tally").status_code == 404
        assert begin(page, empty).status_code == 200
        assert opened(page) == before
        assert begin(page, empty).json()["message"].startswith("there is a form tally already")

    def test_what_the_template_of_a_printed_form_says_of_its_print_stays(self, work, page):
        (work.folder / "forms").mkdir()
        template = blank_form.handwritten(work.folder / "forms" / "by_hand.png")
        cv2.imwrite(str(template.reference), blank_form.drawn(template))
        template_file.dump(template, work.folder / "forms" / "by_hand.yaml")
        said = opened(page, "by_hand")
        assert save(page, said).json()["error"] is None
        assert template_file.load(work.folder / "forms" / "by_hand.yaml") == template
        assert page.get("/forms/edit?form=by_hand").status_code == 200


class TestAttacks:
    def test_a_path_in_the_name_of_a_form_is_refused(self, work, page, empty):
        before = work.names(".")
        sheet = give(page, empty).json()["sheet"]
        names = ["../x", "/etc/x", "a/b", "..", "", "a\0b", "x" * 61, "a.b", "C:x", "if", "<b>", "\u202ea"]
        for name in names:
            assert page.post("/api/forms/begin", json={"form": name, "sheet": sheet}).status_code == 400
            assert page.get("/api/forms/open", params={"form": name}).status_code == 404
            assert page.get("/forms/edit", params={"form": name}).status_code == 404
            body = {"draft": {"form": name, "version": "1", "size": [10, 10], "rules": [],
                              "fields": [{"name": "a", "keys": {"box": [0, 0, 5, 5]}}]}, "stamp": "0" * 64}  # fmt: skip
            reply = page.post("/api/forms/save", json=body)
            assert reply.status_code == 404 or reply.json()["error"]
        assert work.names(".") == before

    def test_what_is_no_picture_is_refused(self, work, page):
        for content in (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50):
            reply = begin(page, content)
            assert reply.status_code == 400
            assert "this file cannot be read" in reply.json()["message"]
        assert not (work.folder / ".digitocr" / "forms").exists()

    def test_a_page_that_is_not_there(self, page, empty):
        assert "no page 3" in begin(page, empty, page=3).json()["message"]

    def test_a_sheet_that_is_too_large_or_forgotten(self, work, page, empty, monkeypatch):
        body = {"form": "tally", "sheet": "0" * 32}
        assert "kept no longer" in page.post("/api/forms/begin", json=body).json()["message"]
        monkeypatch.setattr(form_editor, "MOST_BYTES", 1000)
        with client(work) as small:
            assert give(small, empty).status_code == 413

    def test_another_site_can_neither_give_nor_save(self, page, empty):
        elsewhere = {"origin": "https://elsewhere.example", "content-type": "application/octet-stream"}
        assert page.put("/api/forms/sheet", content=empty, headers=elsewhere).status_code == 403
        assert page.post("/api/forms/begin", json={"form": "a"}, headers=elsewhere).status_code == 403

    def test_script_in_a_label_is_text_on_every_page(self, begun, page):
        said = opened(page)
        said["fields"][0]["keys"]["label"] = HOSTILE
        save(page, said)
        for path in ("/forms", "/forms/edit?form=tally"):
            assert "<img" not in page.get(path).text.replace('<img id="picture-of-form"', "")


def test_without_a_folder_of_templates_there_are_no_forms(work):
    work.run()
    with client(work, templates=None) as page:
        assert page.get("/forms").status_code == 404
        assert 'href="/forms"' not in page.get("/").text
