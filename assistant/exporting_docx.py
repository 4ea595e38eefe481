"""A conversation as a Word file: real headings, and each citation a footnote; no links, no fields, no macros."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assistant.remarks import opening, uncovered
from assistant.rendering import UNSUPPORTED, beside, described, field, grouped, onward, place
from assistant.types import Answer, AnswerSentence, Citation
from index.controls import CONTROLS

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

__all__ = ["word_file"]

TEXT, MARK = "footnote text", "footnote reference"  # as Word itself names these styles
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of an archive's calendar: the same input, the same bytes

Shown = tuple[Answer, Sequence[str], Sequence[str]]  # an answer, lines before it, lines after it


def word_file(name: str, at: datetime, shown: Sequence[Shown], closing: str) -> bytes:
    """The file; what XML cannot hold of a text is left out of it."""
    import docx

    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.comments = clean(name), "Backchannel", ""
    about.created = about.modified = at.replace(tzinfo=None)
    document.add_heading(clean(name), 0)
    notes = Notes(document)
    for answer, before, after in shown:
        document.add_heading(clean(answer.question), 1)
        for line in before:
            document.add_paragraph().add_run(clean(line)).italic = True
        add_answer(document, answer, notes)
        for line in after:
            document.add_paragraph(clean(line))
    document.add_paragraph().add_run(clean(closing)).italic = True
    notes.attach()
    made = io.BytesIO()
    document.save(made)
    return undated(made.getvalue())


def add_answer(document: "Document", answer: Answer, notes: "Notes") -> None:
    """Paragraphs with footnotes, or what is said in place of them with the nearest articles; then the remarks."""
    if answer.outcome == "not_covered":
        document.add_paragraph(clean(uncovered(answer)))
    if first := opening(answer):
        document.add_paragraph(clean(first))
    cited = {each.number: each for each in answer.citations}
    for group in grouped(answer):
        paragraph = document.add_paragraph()
        if group[0].lead_in:
            paragraph.add_run(f"{clean(group[0].lead_in)}: ").italic = True
        for number, sentence in enumerate(group):
            add_sentence(paragraph, sentence, cited, notes, " " if number else "")
    for line in beside(answer):
        document.add_paragraph(clean(line))
    if answer.outcome == "not_covered" and answer.nearest:
        document.add_paragraph("Nearest articles:")
        for near in answer.nearest:
            document.add_paragraph(clean(f"{near.title} ({near.doc_id})"), "List Bullet")


def add_sentence(
    paragraph: "Paragraph", sentence: AnswerSentence, cited: dict[int, Citation], notes: "Notes", space: str
) -> None:
    """The words, their footnotes, and `UNSUPPORTED` where they are that."""
    paragraph.add_run(space + clean(sentence.text))
    for number in sentence.citations:
        notes.refer(paragraph, cited[number])
    if sentence.support == "unsupported":
        paragraph.add_run(f" {UNSUPPORTED}").italic = True


class Notes:
    """The footnotes of a document; python-docx knows of none, so their part is made here.

    Word counts references and not notes, so a citation that two sentences share is two notes.
    """

    def __init__(self, document: "Document") -> None:
        from docx.enum.style import WD_STYLE_TYPE
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls
        from docx.shared import Pt

        self.document = document
        styles = document.styles
        text = styles.add_style(TEXT, WD_STYLE_TYPE.PARAGRAPH, builtin=True)
        text.base_style = styles["Normal"]
        text.font.size, text.paragraph_format.space_after = Pt(9), Pt(2)
        mark = styles.add_style(MARK, WD_STYLE_TYPE.CHARACTER, builtin=True)
        mark.font.superscript = True
        self.text, self.mark = text.style_id, mark.style_id
        rules = "".join(  # Word looks for both lines that part notes from text (ECMA-376, 17.18.33)
            f'<w:footnote w:type="{kind}" w:id="{number}"><w:p><w:r><w:{kind}/></w:r></w:p></w:footnote>'
            for kind, number in (("separator", -1), ("continuationSeparator", 0))
        )
        self.root: Any = parse_xml(f"<w:footnotes {nsdecls('w')}>{rules}</w:footnotes>")
        self.count = 0

    def refer(self, paragraph: "Paragraph", citation: Citation) -> None:
        """Adds a footnote, and its mark at the end of the paragraph so far."""
        from docx.oxml.parser import OxmlElement

        self.count += 1
        mark: Any = paragraph.add_run()._r
        mark.style = self.mark
        mark.append(element("w:footnoteReference", self.count))
        note = element("w:footnote", self.count)
        line: Any = OxmlElement("w:p")
        line.style = self.text
        own = line.add_r()
        own.style = self.mark
        own.append(OxmlElement("w:footnoteRef"))
        line.add_r().text = f" {noted(citation)}"
        note.append(line)
        self.root.append(note)

    def attach(self) -> None:
        """Makes the notes part of the document; its settings name the two that are lines and no notes."""
        from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
        from docx.opc.packuri import PackURI
        from docx.opc.part import XmlPart
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls, qn

        main = self.document.part
        part = XmlPart(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, self.root, main.package)
        main.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
        lines = '<w:footnote w:id="-1"/><w:footnote w:id="0"/>'
        settings: Any = self.document.settings.element
        settings.find(qn("w:compat")).addprevious(parse_xml(f"<w:footnotePr {nsdecls('w')}>{lines}</w:footnotePr>"))


def noted(citation: Citation) -> str:
    """The text of a footnote: article, place, the exact quote, and where the article has it from."""
    return clean(f'{citation.title} ({place(citation)}): "{citation.quote}" {onward(citation, source_in_words)}')


def source_in_words(source: Mapping[str, Any]) -> str:
    """As `described`, with the address in plain letters."""
    return " ".join(filter(None, [described(source), field(source, "url")]))


def element(tag: str, number: int) -> Any:
    """An element of Word's with this as its id."""
    from docx.oxml.ns import qn
    from docx.oxml.parser import OxmlElement

    return OxmlElement(tag, {qn("w:id"): str(number)})


def clean(text: str) -> str:
    """Text as XML can hold it; a form feed and the like would else be refused."""
    return CONTROLS.sub("", text)


def undated(archive: bytes) -> bytes:
    """The same archive without the moment at which its parts were written."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.infolist():
            new.writestr(zipfile.ZipInfo(each.filename, FIRST_DAY), old.read(each), zipfile.ZIP_DEFLATED)
    return made.getvalue()
