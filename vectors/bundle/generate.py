"""Write the bundle vectors: sound ones, and one file for each flaw.

    python vectors/bundle/generate.py [FOLDER]

A flaw that lies deep is sealed anew on the outside (SHA256SUMS, its signature, and the transcript where that can
still be made), so that only the layer named in manifest.json can find it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import msgspec  # noqa: E402  (after the path is set)
from world import World, file_of, line, message, note, secret  # noqa: E402  (after the path is set)

from leeward.export.bundle import Contents, Item, compose  # noqa: E402  (after the path is set)
from leeward_proof.bundle import parse  # noqa: E402  (after the path is set)
from leeward_proof.commit import canonical  # noqa: E402  (after the path is set)
from leeward_proof.container import container_chunks, part_of  # noqa: E402  (after the path is set)
from leeward_proof.errors import ProofError  # noqa: E402  (after the path is set)
from leeward_proof.note import Checkpoint, VerifierKey, sign_note  # noqa: E402  (after the path is set)
from leeward_proof.transcript import custody, transcript  # noqa: E402  (after the path is set)
from leeward_proof.verify import manifest_text  # noqa: E402  (after the path is set)

Members = dict[str, bytes]
Cases = dict[str, tuple[bytes, dict[str, str]]]

PICTURE = b"\x89PNG a picture, in its way" * 4
OPENS = ("kind", "text", "when", "written")


def zipped(members: Members | list[tuple[str, bytes]]) -> bytes:
    pairs = members.items() if isinstance(members, dict) else members
    return b"".join(container_chunks([part_of(name, data) for name, data in pairs]))


def members_of(contents: Contents, world: World) -> Members:
    composed = compose(contents, world.sign, pdf=False)
    return {part.name: b"".join(part.read()) for part in composed.parts}


def seal(members: Members, world: World, sums: bytes | None = None) -> Members:
    """Write SHA256SUMS and its signature anew."""
    inner = {name: data for name, data in members.items() if not name.startswith("SHA256SUMS")}
    if sums is None:
        sums = "".join(f"{sha256(inner[name]).hexdigest()}  {name}\n" for name in sorted(inner)).encode()
    signed = sign_note(manifest_text(world.verifier.name, sums), world.verifier, world.sign)
    return {**inner, "SHA256SUMS": sums, "SHA256SUMS.sig": signed.encode()}


def with_json(members: Members, world: World, edit: Callable[[Any], Any], head: Checkpoint | None = None) -> Members:
    """Edit bundle.json, make the texts anew if that is still possible, and seal."""
    value = json.loads(members["proof/bundle.json"])
    edit(value)
    return with_data(members, world, canonical(value), head)


def with_data(members: Members, world: World, data: bytes, head: Checkpoint | None = None) -> Members:
    changed = {**members, "proof/bundle.json": data}
    try:
        bundle = parse(data)
        changed["transcript.txt"] = transcript(bundle)
        text = members["proof/checkpoint"].decode().split("\n\n")[0] + "\n"
        changed["custody.txt"] = custody(bundle, head or Checkpoint.parse_text(text))
    except (ProofError, LookupError):
        pass
    return seal(changed, world)


# The sound ones


def one_entry() -> tuple[World, Contents]:
    world = World()
    world.incident("a", "Example")
    return world, world.contents([note(0, "Example")], [(0, OPENS)])


def several() -> tuple[World, Contents]:
    """Two batches, an amendment, an archive with a picture: what most flaws are made from."""
    world = World()
    first = world.incident("a", "He stood at the door.", place="withheld", photos=[sha256(PICTURE).hexdigest()])
    world.incident("not shown", "Not shown to anybody.")
    records = [
        line(0, "Carl", "Where are you"),
        line(1, "Bea", "Not on my way"),
        line(2, "Bea", "Please stop writing", [sha256(PICTURE).hexdigest()]),
        line(3, "Carl", "You will see \u202ereversed"),
    ]
    archive = world.archive("chat", records)
    world.end_batch()
    second = world.add(
        "amend",
        kind="amendment",
        of="0000000000000000",
        was=world.commitment(first),
        text="He stood at the door at nine.",
        written="x",
    )
    world.end_batch()
    world.incident("later", "Also not shown.")
    opened = [world.archives[archive].opening(n) for n in (1, 2, 3)]
    items: list[Item] = [
        *(message((0, i), records[i + 1], attachments=[0] if i == 1 else []) for i in range(3)),
        note(0, "He stood at the door at nine.", entries=[0, 1], marks=["amended"], attachments=[0]),
    ]
    entries = [(first, ("kind", "when", "written", "photos")), (second, ("kind", "of", "was", "text"))]
    files = [file_of(PICTURE, "IMG_0001.png", "image/png")]
    return world, world.contents(items, entries, [(archive, opened)], files)


def two_segments() -> tuple[World, Contents]:
    world = World()
    records = [line(n, "Bea" if n % 2 else "Carl", f"message {n}") for n in range(65_540)]
    archive = world.archive("long chat", records)
    chosen = [5, 65_535, 65_536, 65_539]
    opened = [world.archives[archive].opening(n) for n in chosen]
    items = [message((0, i), records[n]) for i, n in enumerate(chosen)]
    return world, world.contents(items, [], [(archive, opened)])


def whole_archive() -> tuple[World, Contents]:
    world = World()
    records, offset = [], 0
    for n in range(3):
        records.append(line(n, "Carl", f"message {n}", offset=offset))
        offset += len(records[-1][0])
    archive = world.archive("chat", records)
    everything = ("raw", "place", "sender", "time", "media")
    opened = [world.archives[archive].opening(n, everything) for n in range(3)]
    items = [message((0, i), record) for i, record in enumerate(records)]
    return world, world.contents(items, [], [(archive, opened)], whole=True)


def ways_of_words() -> tuple[World, Contents]:
    """Each way in which words are tied to bytes, and bytes that are no text."""
    world = World()
    time, none = b"1706781600000", b"[]"
    sms = b'<sms address="+491510000002" date="1706781600000" type="1" body="5 &lt; 6 &#55357;&#56832;" />'
    records = [
        line(0, "Bea", "A chat line\nwith two lines"),
        (sms, b"\x000\x0090", b"+491510000002", time, none),
        (b'{"from":"Bea","text":["see ",{"type":"link","text":"there"}]}', b"\x0090\x0062", b"Bea", time, none),
        (b'{"content":"caf\\u00c3\\u00a9","sender_name":"Bea"}', b"\x00152\x0049", b"Bea", time, none),
        (b"Missed call, 12 s", b"\x00201\x0017", b"", time, none),
        (b"\xff\xfenot text\n\x00", b"\x00218\x0012", b"", b"", none),
    ]
    archive = world.archive("mixed", records)
    opened = [world.archives[archive].opening(n) for n in range(len(records))]
    texts = ["A chat line\nwith two lines", "5 < 6 \U0001f600", "see there", "café", "Missed call", ""]
    kinds = ["message", "message", "message", "message", "call", "other"]
    items = [
        Item(kind=kind, text=text, record=(0, i), day="2024-02-01")
        for i, (kind, text) in enumerate(zip(kinds, texts, strict=True))
    ]
    return world, world.contents(items, [], [(archive, opened)])


SOUND: dict[str, Callable[[], tuple[World, Contents]]] = {
    "sound_one_entry": one_entry,
    "sound_several": several,
    "sound_two_segments": two_segments,
    "sound_whole_archive": whole_archive,
    "sound_ways_of_words": ways_of_words,
}


# The flaws


class Flaws:
    """Collects cases; every flaw starts from the same sound bundle."""

    def __init__(self) -> None:
        self.world, contents = several()
        self.members = members_of(contents, self.world)
        self.zip = zipped(self.members)
        self.cases: Cases = {}

    def put(self, name: str, layer: str, data: bytes, why: str) -> None:
        self.cases[name] = (data, {"expect": "unsound", "layer": layer, "why": why})

    def sealed(self, name: str, layer: str, members: Members, why: str) -> None:
        self.put(name, layer, zipped(members), why)

    def json(self, name: str, layer: str, edit: Callable[[Any], Any], why: str) -> None:
        self.sealed(name, layer, with_json(self.members, self.world, edit), why)

    def all(self) -> Cases:
        self.container()
        self.manifest()
        self.signature()
        self.form()
        self.checkpoint_and_top()
        self.batch_and_entry()
        self.versions()
        self.quoted()
        self.place_closed()
        self.records()
        self.files()
        self.texts()
        self.no_bundle()
        return self.cases

    def container(self) -> None:
        whole, members = self.zip, self.members
        end = len(whole) - 22
        first = bytearray(whole)

        def changed(at: int, new: bytes) -> bytes:
            return whole[:at] + new + whole[at + len(new) :]

        def put(name: str, data: bytes, why: str) -> None:
            self.put(name, "container", data, why)

        put("container_comment", whole[:-2] + b"\x05\x00hello", "a zip comment")
        put("container_byte_behind", whole + b"\x00", "a byte behind the end")
        put("container_byte_before", b"\x00" + whole, "a byte before the beginning")
        put("container_cut", whole[:-30], "the end is missing")
        put("container_cut_in_half", whole[: len(whole) // 2], "half of the file")
        put("container_date_set", changed(12, b"\x22\x58"), "a member carries a date")
        put("container_flag_set", changed(6, b"\x08\x00"), "a flag is set")
        put("container_method_deflate", changed(8, b"\x08\x00"), "a member says that it is compressed")
        put("container_extra_field", changed(28, b"\x04\x00"), "a member says that it has an extra field")
        put("container_size_huge", changed(18, b"\xff\xff\xff\xff" * 2), "a member says that it is 4 GiB long")
        put("container_content_flipped", changed(60, bytes([first[60] ^ 1])), "one bit of README.txt")
        put("container_checksum_wrong", changed(14, bytes([first[14] ^ 1])), "one bit of a checksum")
        directory = whole.index(b"PK\x01\x02")
        put("container_directory_name", changed(directory + 46, b"r"), "the directory names another file")
        put("container_directory_mode", changed(directory + 40, b"\xff"), "the directory gives other permissions")
        put("container_directory_offset", changed(directory + 42, b"\x01"), "the directory points elsewhere")
        put("container_count_wrong", changed(end + 10, b"\x03\x00"), "the end counts other members")
        put("container_name_climbs", whole.replace(b"custody.txt", b"../tody.txt"), "a name that leaves the folder")
        twice = list(members.items())
        put("container_member_twice", zipped([*twice[:2], twice[1], *twice[2:]]), "a member stands twice")
        without = {name: data for name, data in members.items() if name != "proof/checkpoint"}
        self.sealed("container_no_checkpoint", "container", seal(without, self.world), "the checkpoint is missing")

    def manifest(self) -> None:
        members, world = self.members, self.world
        sums = members["SHA256SUMS"]
        for name, inner in (
            ("readme", "README.txt"),
            ("attachment", "attachments/0001.png"),
            ("transcript", "transcript.txt"),
            ("json", "proof/bundle.json"),
        ):
            changed = {**members, inner: members[inner].replace(b"e", b"3", 1).replace(b"P", b"B", 1)}
            self.sealed(f"manifest_{name}_changed", "manifest", changed, f"{inner} is not the listed one")
        rows = sums.splitlines(keepends=True)
        zeros = b"0" * 64 + b"  zzz\n"
        for name, listed, why in (
            ("not_listed", b"".join(rows[1:]), "a member is not listed"),
            ("absent_listed", sums + zeros, "a file is listed that is not there"),
            ("not_sorted", b"".join(reversed(rows)), "not sorted"),
            ("upper_case", sums.upper().replace(b".TXT", b".txt"), "digests in capitals"),
            ("one_space", sums.replace(b"  ", b" "), "one space instead of two"),
            ("line_twice", rows[0] + sums, "a line stands twice"),
            ("no_line_end", sums[:-1], "the last line has no end"),
            ("not_utf8", b"\xff" + sums, "not UTF-8"),
        ):
            self.sealed(f"manifest_{name}", "manifest", seal(members, world, listed), why)

    def signature(self) -> None:
        members, world = self.members, self.world
        signed = members["SHA256SUMS.sig"].decode()
        other = World("carl")

        def put(name: str, text: str, why: str) -> None:
            self.sealed(f"signature_{name}", "signature", {**members, "SHA256SUMS.sig": text.encode()}, why)

        text = signed.partition("\n\n")[0] + "\n"
        by_other = VerifierKey(world.verifier.name, other.verifier.public)
        put("by_other_key", sign_note(text, by_other, other.sign), "signed by another key of the same name")
        put(
            "of_other_sums",
            sign_note(manifest_text(world.verifier.name, b""), world.verifier, world.sign),
            "other sums",
        )
        put("of_checkpoint", members["proof/checkpoint"].decode(), "the checkpoint's note in its place")
        row = signed.splitlines()[-1]
        data = bytearray(base64.b64decode(row.rpartition(" ")[2]))
        data[40] ^= 1
        flipped = row.rpartition(" ")[0] + " " + base64.b64encode(data).decode()
        put("flipped", signed.replace(row, flipped), "one bit of the signature")
        put("twice", f"{signed}{row}\n", "the signature line stands twice")
        stranger = sign_note(text, other.verifier, other.sign).splitlines()[-1]
        put("stranger_beside", f"{signed}{stranger}\n", "a second signature, by somebody else")
        put("not_canonical", signed[:-1].rstrip("=") + "\n", "base64 without padding")
        put("no_line_end", signed[:-1], "no line end")
        put("hyphen", signed.replace("\u2014", "-"), "a hyphen instead of a dash")
        put("carriage_return", signed.replace("\n", "\r\n"), "line ends of two characters")
        low = VerifierKey(world.verifier.name, bytes(31) + b"\x80")
        for name, key, why in (
            ("key_low_order", str(low), "a key of small order, for which everybody can sign"),
            ("key_wrong_id", str(world.verifier).replace("+", "+0", 1), "a key that does not fit its own id"),
            ("key_of_other_log", str(other.verifier), "the key of another log"),
        ):
            self.json(f"signature_{name}", "signature", lambda value, key=key: value.update(key=key), why)
        stranger_world = World()
        stranger_world.verifier = VerifierKey("example.com/log", world.verifier.public)
        stranger_world.incident("a", "Example")
        named = members_of(stranger_world.contents([note(0, "Example")], [(0, OPENS)]), stranger_world)
        self.sealed("signature_name_not_a_log", "signature", named, "well signed, by a name that is not that of a log")

    def form(self) -> None:
        data = self.members["proof/bundle.json"]

        def put(name: str, changed: bytes, why: str) -> None:
            self.sealed(f"form_{name}", "form", with_data(self.members, self.world, changed), why)

        put("white_space", data.replace(b":", b": ", 1), "white space outside strings")
        put("name_twice", data.replace(b'{"batches"', b'{"batches":[],"batches"', 1), "a name stands twice")
        put("not_sorted", b'{"top":"",' + data[1:], "names out of order")
        put("escaped", data.replace(b"amended", b"\\u0061mended"), "a letter written as its number")
        put("fraction", data.replace(b'"n":1,', b'"n":1.0,'), "a number with a fraction")
        put("not_a_number", data.replace(b'"n":1,', b'"n":NaN,'), "not a number")
        put("number_huge", data.replace(b'"n":1,', b'"n":' + b"9" * 5000 + b","), "a number of 5,000 digits")
        put("nested", data.replace(b'"n":1,', b'"n":' + b"[" * 100_000 + b"]" * 100_000 + b","), "nested 100,000 deep")
        put("not_utf8", data.replace(b"amended", b"amend\xff\xff"), "not UTF-8")
        put("half_a_pair", data.replace(b"amended", b"\\ud800"), "half of a surrogate pair")
        put("not_an_object", b"[]", "a list")
        put("empty", b"", "no JSON at all")
        long_base64 = data.replace(b'"check"', b'"chexk"', 1)
        put("member_renamed", long_base64, "a member with another name")

        def edit(name: str, change: Callable[[Any], Any], why: str) -> None:
            self.json(f"form_{name}", "form", change, why)

        def first(value: Any) -> Any:
            return value["batches"][0]["entries"][0]

        def record(value: Any) -> Any:
            return value["readings"][0]["segments"][0]["records"][0]

        edit("unknown_member", lambda v: v.update(score=7), "a member nobody knows")
        edit("member_missing", lambda v: v.pop("people"), "a member is missing")
        edit("number_is_text", lambda v: first(v).update(at="3"), "text for a number")
        edit("number_is_true", lambda v: v["items"][0].update(n=True), "true for one")
        edit("position_64", lambda v: first(v).update(at=64), "a place outside the batch")
        edit(
            "base64_loose",
            lambda v: record(v).update(blind=record(v)["blind"][:-1] + "="),
            "a second spelling of base64",
        )
        edit("blind_short", lambda v: record(v).update(blind=""), "a blind of no length")
        edit("helpers_odd", lambda v: v.update(top="AAAA"), "helpers that are no digests")
        edit("field_twice", lambda v: first(v)["open"].append([15, "kind", "x"]), "a field is opened twice")
        edit("field_name", lambda v: first(v)["open"][0].__setitem__(1, "Kind"), "a name with capitals")

        def without_first(value: Any) -> None:
            value["items"] = [{**item, "n": n} for n, item in enumerate(value["items"][1:], 1)]

        def once_more(value: Any) -> None:
            value["items"].append({**value["items"][0], "n": 5})

        def deep(value: Any) -> None:
            inner: Any = 1
            for _ in range(65):
                inner = [inner]
            first(value)["open"][0][2] = inner

        def segments(value: Any) -> Any:
            return value["readings"][0]["segments"]

        edit("record_of_no_item", without_first, "a record is opened that no item shows")
        edit("record_twice", once_more, "one more item of the same record")
        edit("fields_not_rising", lambda v: first(v)["open"].reverse(), "opened fields out of order")
        edit("list_is_object", lambda v: v.update(people={}), "an object for a list")
        edit("text_is_number", lambda v: v["made"].update(at=5), "a number for a text")
        edit("text_is_list", lambda v: v["items"][0].update(words=[]), "a list for a text")
        edit("places_not_rising", lambda v: v["batches"][0]["entries"].reverse(), "places out of order")
        edit(
            "two_roots",
            lambda v: v["batches"][0].update(root=longer(v["batches"][0]["root"])),
            "a batch with two roots",
        )
        edit(
            "entry_field_elsewhere",
            lambda v: place_otherwise(first(v), "kind", 20),
            "a field at a position that is not its own",
        )
        edit(
            "entry_place_taken",
            lambda v: call_otherwise(first(v), "kind", "sort"),
            "another name at the position of a field",
        )
        edit("entry_blind_long", lambda v: first(v).update(blind=longer(first(v)["blind"])), "a blind that is too long")
        edit("field_of_two", lambda v: first(v)["open"][0].pop(), "a field without a value")
        edit("value_deep", deep, "a value nested 65 deep")
        edit("segment_outside", lambda v: segments(v)[0].update(index=1), "a segment that is not in the reading")
        edit("segment_none", lambda v: v["readings"][0].update(segments=[]), "a reading without a segment")
        edit("item_of_both", lambda v: v["items"][0].update(entries=[0]), "an item of a record and an entry")
        edit("words_do_not_fit", lambda v: v["items"][0].update(words="empty"), "words of an entry for a record")
        edit("note_words_do_not_fit", lambda v: v["items"][3].update(words="line"), "words of a record for an entry")
        edit("reading_twice", lambda v: v["readings"].append(v["readings"][0]), "two readings of one entry")
        edit("file_not_shown", lambda v: [item.update(files=[]) for item in v["items"]], "a file that no item shows")
        renamed = {name.replace("0001", "0002"): data for name, data in self.members.items()}

        def rename(value: Any) -> None:
            value["files"][0].update(name="attachments/0002.png")

        self.sealed("form_file_unnumbered", "form", with_json(renamed, self.world, rename), "files not numbered from 1")
        whole_world, contents = whole_archive()
        whole = members_of(contents, whole_world)
        orphan = with_json(whole, whole_world, lambda v: v["readings"][0].update(original=0))
        self.sealed("form_original_of_nothing", "form", orphan, "an original that belongs to no archive")

        def note_again(value: Any) -> None:
            value["items"].append({**value["items"][3], "n": 5})

        edit("entry_in_two_items", note_again, "two items of one entry")
        edit(
            "entry_of_reading_and_item",
            lambda v: v["items"][3]["entries"].append(v["readings"][0]["entry"]),
            "an item of the entry of a reading",
        )
        edit("record_in_two_items", lambda v: v["items"][1].update(record=0), "two items of one record")
        edit("entry_of_no_item", lambda v: v["items"][3].update(entries=[0]), "an entry is opened that no item shows")
        edit("item_of_nothing", lambda v: v["items"][0].update(record=-1), "an item that comes from nothing")
        edit("items_unnumbered", lambda v: v["items"][0].update(n=2), "items are not numbered from 1")
        edit("file_number", lambda v: v["items"][1].update(files=[2]), "an item shows a file that is not there")
        edit(
            "file_name_climbs", lambda v: v["files"][0].update(name="../0001.png"), "a file name that leaves the folder"
        )
        edit("words_unknown", lambda v: v["items"][0].update(words="trust"), "an unknown way of tying words")
        edit("kind_with_space", lambda v: v["items"][0].update(kind="a threat"), "a kind that is not a word")
        edit("raw_closed", lambda v: record(v)["open"].pop("raw"), "a record that does not open its bytes")
        raw = base64.b64encode(b"text").decode()
        edit("raw_text_as_base64", lambda v: record(v)["open"].update(raw={"base64": raw}), "text written as base64")
        edit("batches_not_rising", lambda v: v["batches"].reverse(), "batches out of order")
        edit("nothing_shown", lambda v: v.update(items=[], batches=[], readings=[], files=[]), "nothing is shown")
        edit(
            "not_a_reading",
            lambda v: v["readings"][0].update(entry=1 - v["readings"][0]["entry"]),
            "the entry named is no reading",
        )

    def checkpoint_and_top(self) -> None:
        members, world = self.members, self.world
        text = members["proof/checkpoint"].decode()
        signed = Checkpoint.parse_text(text.partition("\n\n")[0] + "\n")
        other = World("carl")

        def put(name: str, layer: str, checkpoint: str, why: str) -> None:
            changed = {**members, "proof/checkpoint": checkpoint.encode()}
            self.sealed(name, layer, seal(changed, world), why)

        row = text.splitlines()[-1]
        at = len(row) // 2 + 30
        flipped = row[:at] + ("A" if row[at] != "A" else "B") + row[at + 1 :]
        put("checkpoint_flipped", "checkpoint", text.replace(row, flipped), "one bit of its signature")
        by_other = VerifierKey(world.verifier.name, other.verifier.public)
        put("checkpoint_by_other_key", "checkpoint", sign_note(signed.text(), by_other, other.sign), "another key")
        foreign = signed._replace(origin=other.verifier.name).text()
        put(
            "checkpoint_of_other_log",
            "checkpoint",
            sign_note(foreign, world.verifier, world.sign),
            "another log's head",
        )
        loose = signed.text().replace("\n3\n", "\n03\n")
        put(
            "checkpoint_size_loose",
            "checkpoint",
            sign_note(loose, world.verifier, world.sign),
            "a size with a zero before",
        )
        put("checkpoint_unsigned", "checkpoint", signed.text(), "no signature")
        short = signed._replace(root=signed.root[:31]).text()
        put("checkpoint_root_short", "checkpoint", sign_note(short, world.verifier, world.sign), "a root of 31 bytes")

        def head(name: str, change: Checkpoint, why: str) -> None:
            changed = {**members, "proof/checkpoint": sign_note(change.text(), world.verifier, world.sign).encode()}
            data = members["proof/bundle.json"]
            self.sealed(name, "top tree", with_data(changed, world, data, change), why)

        head("top_tree_other_root", signed._replace(root=secret("another root")), "the head has another root")
        head("top_tree_smaller", signed._replace(size=1), "the head is older than a batch that is shown")
        head("top_tree_larger", signed._replace(size=9), "the head counts more batches than the proof")
        head("top_tree_empty", signed._replace(size=0), "the head of an empty log")

        def flip(value: Any) -> None:
            value["top"] = flipped_base64(value["top"])

        self.json("top_tree_helper_changed", "top tree", flip, "a helper is another")
        self.json("top_tree_helper_missing", "top tree", lambda v: v.update(top=""), "a helper is missing")
        self.json("top_tree_helper_more", "top tree", lambda v: v.update(top=longer(v["top"])), "a helper too many")
        self.json(
            "top_tree_batch_moved", "top tree", lambda v: v["batches"][1].update(index=2), "a batch at another place"
        )

    def batch_and_entry(self) -> None:
        def batch(value: Any) -> Any:
            return value["batches"][0]

        def entry(value: Any) -> Any:
            return next(
                one for one in value["batches"][0]["entries"] if any(field[1] == "photos" for field in one["open"])
            )

        def set_field(name: str, new: Any) -> Callable[[Any], None]:
            def edit(value: Any) -> None:
                for field in entry(value)["open"]:
                    if field[1] == name:
                        field[2] = new

            return edit

        def part(slot: int) -> Callable[[Any], None]:
            def edit(value: Any) -> None:
                one = entry(value)
                blind = bytearray(base64.b64decode(one["blind"]))
                opened = {field[0] for field in one["open"]}
                places = [-1, min(opened), min(set(range(16)) - opened)]
                blind[32 * (1 + places[slot])] ^= 1
                one["blind"] = base64.b64encode(blind).decode()

            return edit

        def rename(value: Any) -> None:
            for field in entry(value)["open"]:
                if field[1] == "when":
                    field[1] = "then"

        def close(value: Any) -> None:
            entry(value)["open"] = [field for field in entry(value)["open"] if field[1] != "when"]

        def move(value: Any) -> None:
            one = entry(value)
            taken = {other["at"] for other in value["batches"][0]["entries"]}
            one["at"] = next(p for p in range(64) if p not in taken)
            value["batches"][0]["entries"].sort(key=lambda one: one["at"])
            settle(value)

        def settle(value: Any) -> None:
            # The numbers of entries follow their places.
            numbers = {
                tuple(sorted(field[1] for field in one["open"])): i
                for i, one in enumerate(one for b in value["batches"] for one in b["entries"])
            }
            reading = next(i for names, i in numbers.items() if "reader" in names)
            first = next(i for names, i in numbers.items() if "photos" in names)
            value["readings"][0]["entry"] = reading
            value["items"][3]["entries"][0] = first

        def drop(value: Any) -> None:
            batch(value)["helpers"] = base64.b64encode(base64.b64decode(batch(value)["helpers"])[32:]).decode()

        put = self.json
        put(
            "batch_root_changed",
            "batch",
            lambda v: batch(v).update(root=flipped_base64(batch(v)["root"])),
            "another root",
        )
        put(
            "batch_helper_changed",
            "batch",
            lambda v: batch(v).update(helpers=flipped_base64(batch(v)["helpers"])),
            "another",
        )
        put("batch_helper_missing", "batch", drop, "a helper is missing")
        put(
            "batch_helper_more", "batch", lambda v: batch(v).update(helpers=longer(batch(v)["helpers"])), "one too many"
        )
        put("batch_place_moved", "batch", move, "an entry at another place")
        put("entry_value_changed", "entry", set_field("when", "2024-02-04"), "another day")
        put("entry_type_changed", "entry", set_field("when", 20240203), "a number for a text")
        put("entry_name_changed", "entry", rename, "another name of a field")
        put("entry_field_closed", "entry", close, "the salt of an opened field passed off as its digest")
        put("entry_blind_changed", "entry", part(0), "another r")
        put("entry_salt_changed", "entry", part(1), "another salt")
        put("entry_digest_changed", "entry", part(2), "another digest of a closed field")
        put("entry_check_changed", "entry", lambda v: entry(v).update(check="00000000"), "a check that does not fit")

    def versions(self) -> None:
        """Entries of one item that do not belong together, or open more than is shown."""

        def put(
            name: str, layer: str, why: str, opens: tuple[str, ...], second: tuple[str, ...], **fields: Any
        ) -> None:
            world = World()
            world.incident("a", "He stood at the door.")
            whole = {"kind": "amendment", "was": world.commitment(0), "text": "At nine.", **fields}
            world.add("amend", **whole)
            item = note(0, "At nine.", entries=[0, 1])
            contents = world.contents([item], [(0, opens), (1, second)])
            self.sealed(name, layer, members_of(contents, world), why)

        few, all_of_it = ("kind", "when", "written"), ("kind", "was", "text")
        other = secret("another commitment").hex()
        put("entry_amends_another", "entry", "an amendment of an entry that is not shown", few, all_of_it, was=other)
        put("entry_amends_a_list", "entry", "an amendment of something that is no commitment", few, all_of_it, was=[1])
        put("entry_amends_unsaid", "entry", "an amendment that does not open of what", few, ("kind", "text"))
        put("entry_not_an_amendment", "entry", "two notes shown as one", few, all_of_it, kind="incident")
        put("transcript_words_not_shown", "transcript", "earlier words opened and not shown", OPENS, all_of_it)

    def quoted(self) -> None:
        """Somebody who is only quoted, or another time, passed off as what the line says of itself."""
        for name, sender, time, why in (
            ("quoted_speaks", "Carl", "01.02.24, 10:00", "one who is quoted is shown as the one who wrote"),
            ("time_not_there", "Bea", "01.02.24, 11:00", "a time that does not stand in the line"),
        ):
            world = World()
            raw = b"01.02.24, 10:00 - Bea: you said Carl: I will come"
            archive = world.archive("chat", [(raw, b"\x000\x0049", sender.encode(), time.encode(), b"[]")])
            opened = world.archives[archive].opening(0)
            words = raw.decode().partition(f"{sender}: ")[2]
            item = Item(kind="message", text=words, person=sender, record=(0, 0))
            members = members_of(world.contents([item], [], [(archive, [opened])]), world)
            line_rule = with_json(members, world, lambda v: v["items"][0].update(words="line"))
            self.sealed(f"transcript_{name}", "transcript", line_rule, why)

    def place_closed(self) -> None:
        """The original is there, and one message does not say where it stands in it."""
        world, contents = whole_archive()
        reading = contents.readings[0]
        first = msgspec.structs.replace(reading.records[0], open=("raw", "sender", "time", "media"))
        readings = [msgspec.structs.replace(reading, records=[first, *reading.records[1:]])]
        members = members_of(msgspec.structs.replace(contents, readings=readings), world)
        self.sealed("file_place_closed", "file", members, "an original, and a message without its place in it")

    def records(self) -> None:
        def reading(value: Any) -> Any:
            return value["readings"][0]

        def segment(value: Any) -> Any:
            return reading(value)["segments"][0]

        def record(value: Any) -> Any:
            return next(one for one in segment(value)["records"] if "Not on" in one["open"]["raw"])

        def say(value: Any) -> None:
            record(value)["open"]["raw"] = record(value)["open"]["raw"].replace("Not on", "Now on")
            value["items"][0]["text"] = "Now on my way"

        def blind(at: int) -> Callable[[Any], None]:
            def edit(value: Any) -> None:
                data = bytearray(base64.b64decode(record(value)["blind"]))
                data[at] ^= 1
                record(value)["blind"] = base64.b64encode(data).decode()

            return edit

        def move(value: Any) -> None:
            records = segment(value)["records"]
            taken = {one["at"] for one in records}
            last = records[-1]
            last["at"] = next(p for p in range(63, 0, -1) if p not in taken and p > (max(taken - {last["at"]})))

        def drop(value: Any) -> None:
            segment(value)["helpers"] = base64.b64encode(base64.b64decode(segment(value)["helpers"])[:-32]).decode()

        def forge(value: Any) -> None:
            # The opened values fit each other, but such a record never stood in the archive.
            one = record(value)
            say(value)
            raw = base64.b64decode(one["blind"])
            opened = one["open"]
            digests = [raw[at : at + 32] for at in range(32, 288, 32)]
            for slot, name in ((0, "raw"), (2, "sender"), (3, "time")):
                head = b"f1" + digests[slot] + bytes([len(name)]) + name.encode()
                digests[slot] = sha256(head + opened[name].encode()).digest()
            one["check"] = sha256(b"r1" + raw[:32] + b"".join(digests)).hexdigest()[:8]

        put = self.json
        put("record_words_changed", "record", say, "one letter of a message, in bytes and words alike")
        put("record_time_changed", "record", lambda v: record(v)["open"].update(time="01.02.24, 10:02"), "another time")
        put("record_sender_changed", "record", lambda v: record(v)["open"].update(sender="Carl: No"), "another sender")
        put("record_blind_changed", "record", blind(0), "another r")
        put("record_salt_changed", "record", blind(32), "another salt")
        put("record_place_digest_changed", "record", blind(64), "another digest of the closed place")
        put("record_reserved_changed", "record", blind(287), "another reserved slot")
        put("record_media_opened_empty", "record", lambda v: record(v)["open"].update(media=[]), "a digest as a salt")
        put("segment_forged_record", "segment", forge, "a record that fits itself and never stood there")
        put(
            "segment_helper_changed",
            "segment",
            lambda v: segment(v).update(helpers=flipped_base64(segment(v)["helpers"])),
            "another",
        )
        put("segment_helper_missing", "segment", drop, "a helper is missing")
        put(
            "segment_helper_more",
            "segment",
            lambda v: segment(v).update(helpers=longer(segment(v)["helpers"])),
            "one more",
        )
        put("segment_place_moved", "segment", move, "a record at another place")
        put(
            "records_root_changed",
            "records root",
            lambda v: reading(v).update(roots=flipped_base64(reading(v)["roots"])),
            "other",
        )
        put(
            "records_root_more",
            "records root",
            lambda v: reading(v).update(roots=longer(reading(v)["roots"])),
            "one more",
        )
        self.strange_width()

    def strange_width(self) -> None:
        for name, wrong, why in (
            ("width_48", {"width": 48}, "a width that is no power of two"),
            ("width_32", {"width": 32}, "a width below 64"),
            ("width_text", {"width": "64"}, "a width that is text"),
            ("segments_2", {"segments": 2}, "another number of segments"),
        ):
            world = World()
            records = [line(0, "Bea", "Hello")]
            archive = world.archive("chat", records)
            said = json.loads(world.entries[archive]["records"])
            world.entries[archive]["records"] = canonical({**said, **wrong})
            opened = [world.archives[archive].opening(0)]
            members = members_of(world.contents([message((0, 0), records[0])], [], [(archive, opened)]), world)
            self.sealed(f"records_root_{name}", "records root", members, why)

    def files(self) -> None:
        members, world = self.members, self.world
        name = "attachments/0001.png"
        changed = seal({**members, name: PICTURE + b"!"}, world)
        self.sealed("file_changed", "file", changed, "an attachment that was changed and listed anew")
        other = b"another picture"

        def swap(value: Any) -> None:
            value["files"][0].update(sha256=sha256(other).hexdigest(), size=len(other))

        self.sealed("file_swapped", "file", with_json({**members, name: other}, world, swap), "a file no message names")
        self.json("file_size", "file", lambda v: v["files"][0].update(size=1), "another size")
        self.json(
            "file_of_another_item", "file", lambda v: v["items"][0].update(files=[1]), "a message that names no file"
        )
        rows = list(members.items())
        at = [key for key, _ in rows].index(name) + 1
        more = dict([*rows[:at], ("attachments/0002.png", b"x"), *rows[at:]])
        self.sealed("file_more", "file", seal(more, world), "a file that the proof does not speak of")
        less = {key: data for key, data in members.items() if key != name}
        self.sealed("file_missing", "file", seal(less, world), "an attachment is missing")
        swapped = [rows[1], rows[0], *rows[2:]]
        self.sealed("file_order", "file", seal(dict(swapped), world), "members in another order")
        whole_world, contents = whole_archive()
        whole = members_of(contents, whole_world)
        original = whole["originals/0001.txt"] + b"more"

        def other_original(value: Any) -> None:
            value["files"][0].update(sha256=sha256(original).hexdigest(), size=len(original))
            value["readings"][0].update(size=len(original))

        edited = with_json({**whole, "originals/0001.txt": original}, whole_world, other_original)
        self.sealed("file_other_original", "file", edited, "an original that is not the one of the archive")
        for name, offset, why in (
            ("elsewhere", 1, "a message does not stand at its place of the original"),
            ("outside", 10_000, "the place of a message lies outside the original"),
        ):
            world = World()
            records = [line(0, "Carl", "message 0", offset=offset)]
            archive = world.archive("chat", records, original=records[0][0] + b"more")
            opened = [world.archives[archive].opening(0, ("raw", "place", "sender", "time", "media"))]
            contents = world.contents([message((0, 0), records[0])], [], [(archive, opened)], whole=True)
            self.sealed(f"file_place_{name}", "file", members_of(contents, world), why)

    def texts(self) -> None:
        members, world = self.members, self.world

        def text(name: str, inner: str, change: Callable[[bytes], bytes], why: str) -> None:
            changed = seal({**members, inner: change(members[inner])}, world)
            self.sealed(f"transcript_{name}", "transcript", changed, why)

        text(
            "word_changed", "transcript.txt", lambda data: data.replace(b"Please stop", b"Please come"), "another word"
        )
        text(
            "line_missing", "transcript.txt", lambda data: data.replace(b"| Please stop writing", b"|"), "words missing"
        )
        text("longer", "transcript.txt", lambda data: data + b"\n", "a line more")
        text("shorter", "transcript.txt", lambda data: data[:-1], "a line less")
        text("empty", "transcript.txt", lambda _: b"", "no transcript")
        hidden = "\u202e".encode()
        text(
            "hidden_character", "transcript.txt", lambda data: data.replace("⟨U+202E⟩".encode(), hidden), "left hidden"
        )
        text("cover_softened", "transcript.txt", lambda data: data.replace(b"Not proof", b"A proof"), "another cover")
        text("custody_changed", "custody.txt", lambda data: data.replace(b"2024-02-02", b"2024-02-01"), "another day")
        put = self.json
        put("transcript_shortened", "transcript", lambda v: v["items"][0].update(text="on my way"), '"Not" is left out')
        put("transcript_emptied", "transcript", lambda v: v["items"][0].update(text=""), "words are left out")
        put("transcript_note_changed", "transcript", lambda v: v["items"][3].update(text="He left."), "another note")
        put(
            "transcript_old_text",
            "transcript",
            lambda v: v["items"][3].update(text="He stood at the door."),
            "not the last",
        )
        put("transcript_note_emptied", "transcript", lambda v: v["items"][3].update(text="", words="empty"), "no words")
        put("transcript_other_way", "transcript", lambda v: v["items"][0].update(words="json"), "not tied as it says")

    def no_bundle(self) -> None:
        newer = with_json(self.members, self.world, lambda v: v.update(format="leeward/bundle/2"))
        for name, data, why in (
            ("empty", b"", "an empty file"),
            ("text", b"Hello\n", "a text"),
            ("other_zip", zipped({"hello.txt": b"hello"}), "another zip"),
            ("newer_format", zipped(newer), "a format of the future, well sealed"),
        ):
            self.cases[f"not_a_bundle_{name}"] = (data, {"expect": "not a bundle", "why": why})


def flipped_base64(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[0] ^= 1
    return base64.b64encode(data).decode()


def longer(text: str) -> str:
    return base64.b64encode(base64.b64decode(text) + secret("one more")).decode()


def place_otherwise(entry: Any, name: str, place: int) -> None:
    """Say that an opened field stands elsewhere."""
    entry["open"] = sorted([place if one[1] == name else one[0], *one[1:]] for one in entry["open"])


def call_otherwise(entry: Any, name: str, other: str) -> None:
    """Say that an opened field has another name."""
    for one in entry["open"]:
        one[1] = other if one[1] == name else one[1]


def cases() -> Cases:
    """Return every vector: file name without ending to its bytes and what must happen."""
    made: Cases = {}
    for name, build in SOUND.items():
        world, contents = build()
        why = (build.__doc__ or "the smallest").split("\n")[0] if build in (several, ways_of_words) else name[6:]
        made[name] = (zipped(members_of(contents, world)), {"expect": "sound", "why": why.replace("_", " ")})
    return {**made, **Flaws().all()}


def main(folder: Path) -> None:
    made = cases()
    for old in folder.glob("*.zip"):
        old.unlink()
    for name, (data, _) in made.items():
        (folder / f"{name}.zip").write_bytes(data)
    listing = [{"file": f"{name}.zip", **expect} for name, (_, expect) in made.items()]
    text = json.dumps({"format": "leeward/bundle/1", "cases": listing}, indent=1, ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
