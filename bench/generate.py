"""Write a realistic archive of any size from a seed: the input of every speed measurement.

The same seed and size always give the same bytes. Messages are drawn once, as a stream, and rendered as a WhatsApp chat
text (Android or iPhone) or as SMS Backup & Restore XML; nothing is held but one message, so 5 million cost no more
memory than ten thousand::

    python bench/generate.py whatsapp --messages 1000000 --seed 7 --out chat.txt
    python bench/generate.py whatsapp --layout iphone --messages 10000 --seed 7 --out _chat.txt
    python bench/generate.py sms --messages 100000 --pictures 30 --big-picture 40 --seed 7 --out sms.xml
    python bench/generate.py calls --messages 5000 --seed 7 --out calls.xml

What is drawn, and from where (chats of volunteers published as statistics, and our own reading of them):

    length        words per message lognormal(μ 1.75, σ 0.95), 1 to 900; words by Zipf (s 1.05) from 20,000 forms
    colour        6 % hold a word in another script, 1 % a link, 4.6 % one to three more lines, 0.1 % nothing
    emoji         11.3 % end with one to three, by Zipf, with families, skin tones, flags and keycaps among them
    kinds         5.2 % media, 0.5 % deleted, 0.37 % edited, 0.3 % notices
    bursts        sizes Pareto(α 1.16) up to 400; gaps inside lognormal(3.2, 1.1) s up to 600 s; between them
                  exponential, so that the whole spans ten years; four fifths of 01–07 h silent; speaker switches 0.58
    harassment    30 bursts of 60 to 300 one-sided messages within an hour, some at three in the morning

Every name and number is invented; numbers are from the range that Ofcom keeps for drama.
"""

# ruff: noqa: DTZ001, SIM905  # the drawn clock floats on purpose; word lists read best as one line

from __future__ import annotations

import argparse
import base64
import math
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, NamedTuple

SPAN = 10 * 365 * 86_400
START = datetime(2014, 3, 1, 8, 0)
BURST_MEAN = 4.4
"""Messages in a burst on average, for Pareto(1.16) cut at 400."""

AWAKE = 0.74
"""Share of the span that is left when most of the nights are silent."""

EMOJI = "😂 ❤️ 😍 🤣 😊 🙏 💕 😭 😘 👍 😅 👏🏽 😁 🔥 🥰 💔 💖 😢 🤔 😆 🙄 💪🏿 😉 👌 🤗 👨‍👩‍👧‍👦 🇺🇳 1️⃣ 👩🏽‍⚕️ 🏳️‍🌈".split()
OTHER_SCRIPTS = "здравствуй спасибо مرحبا شكرا こんにちは 時間 你好 明天 안녕 감사 नमस्ते ধন্যবাদ".split()
OTHER_SCRIPTS += "γεια שלום สวัสดี ¿qué? für niño ça".split()
ENCRYPTED = "Messages and calls are end-to-end encrypted. Only people in this chat can read, listen to, or share them."
NOTICES = ("Missed voice call", "Missed video call", "You changed this chat's theme", "Your security code changed.")


class Message(NamedTuple):
    """One drawn message.

    Attributes:
        at: seconds since `START`.
        speaker: 0 is the owner.
        kind: ``"text"``, ``"media"``, ``"deleted"``, ``"edited"`` or ``"notice"``.
        text: empty for media, deleted messages and notices.
    """

    at: int
    speaker: int
    kind: str
    text: str


def _vocabulary(rng: random.Random) -> list[str]:
    """Return words drawn by Zipf, as one long ring to cut from: common forms are short."""
    starts = "b c d f g h j k l m n p r s t v w z x y st tr".split()
    ends = "a e i o u a e i o ay ee an en in on".split()
    forms: list[str] = []
    seen: set[str] = set()
    while len(forms) < 20_000:
        syllables = 1 + min(3, int(math.log(len(forms) + 1, 20)))
        word = "".join(
            rng.choice(starts) + rng.choice(ends)
            for _ in range(rng.randint(max(1, syllables - 1), syllables + (len(forms) > 15_000)))
        )
        word = word[rng.random() < 0.3 :] if len(forms) < 300 else word
        if word not in seen or len(forms) < 100:
            seen.add(word)
            forms.append(word)
    weights = list(accumulate(1 / rank**1.05 for rank in range(1, len(forms) + 1)))
    return rng.choices(forms, cum_weights=weights, k=1 << 18)


def messages(count: int, seed: int) -> Iterator[Message]:
    """Yield *count* messages in the order of time."""
    rng = random.Random(seed)
    ring = _vocabulary(rng)
    top = len(ring) - 901
    emoji = rng.choices(EMOJI, cum_weights=list(accumulate(1 / r for r in range(1, len(EMOJI) + 1))), k=4096)
    rare = max(60.0, AWAKE * SPAN * BURST_MEAN / count - 180)
    angry = {rng.randrange(max(1, count // 4)) for _ in range(30 if count >= 100_000 else 1)}
    made = burst = 0
    at = 0.0
    speaker = 0
    while made < count:
        burst += 1
        at += rng.expovariate(1 / rare)
        hour = (8 + at / 3600) % 24
        if 1 <= hour < 7 and rng.random() < 0.8:
            at += (7 - hour) * 3600 + rng.random() * 3600
        harass = burst in angry
        size = rng.randint(60, 300) if harass else min(400, int(rng.paretovariate(1.16)))
        for _ in range(min(size, count - made)):
            if harass:
                speaker = 1
                at += rng.random() * 3600 / size
            else:
                at += min(600.0, rng.lognormvariate(3.2, 1.1))
                speaker ^= rng.random() < 0.58
            yield _draw(rng, ring, top, emoji, int(at), int(speaker))
            made += 1


def _draw(rng: random.Random, ring: list[str], top: int, emoji: list[str], at: int, speaker: int) -> Message:
    """Draw what one message says."""
    dice = rng.random()
    if dice < 0.052:
        return Message(at, speaker, "media", "")
    if dice < 0.057:
        return Message(at, speaker, "deleted", "")
    if dice < 0.060:
        return Message(at, speaker, "notice", "")
    kind = "edited" if dice < 0.0637 else "text"
    if dice > 0.999:
        return Message(at, speaker, "text", "")
    n = min(900, max(1, int(rng.lognormvariate(1.75, 0.95))))
    o = int(rng.random() * top)
    words = ring[o : o + n]
    dice = rng.random()
    if dice < 0.06:
        words[int(rng.random() * n)] = OTHER_SCRIPTS[int(dice * 1e6) % len(OTHER_SCRIPTS)]
    elif dice < 0.07:
        words.append(f"https://example.org/{o:x}?q={n}")
    text = " ".join(words)
    if dice > 0.954:
        for extra in range(1 + int(dice * 1e4) % 3):
            text += "\n" + " ".join(ring[o + 7 * extra : o + 7 * extra + 1 + n % 5])
    dice = rng.random()
    if dice < 0.113:
        e = int(dice * 1e6) % 4090
        text += " " + "".join(emoji[e : e + 1 + e % 3])
    return Message(at, speaker, kind, text)


def write_whatsapp(out: BinaryIO, count: int, seed: int, layout: str) -> None:
    """Write a chat text in the layout of an Android phone or an iPhone."""
    apple = layout == "iphone"
    names = ("Priya N", "Ben")
    days: dict[int, str] = {}
    media = ("\u200eimage omitted" if apple else "<Media omitted>").encode()
    deleted = "\u200eThis message was deleted." if apple else "This message was deleted"
    edited = " \u200e<This message was edited>" if apple else " <This message was edited>"
    mark = "\u200e" if apple else ""
    first = True
    lines: list[bytes] = []
    for at, speaker, kind, text in messages(count, seed):
        since = at + 8 * 3600
        day, second = divmod(since, 86_400)
        date = days.get(day)
        if date is None:
            date = days[day] = f"{START + timedelta(days=day):%d/%m/%Y}, "
            if len(days) > 5000:
                days.clear()
        hour, second = divmod(second, 3600)
        minute, second = divmod(second, 60)
        name = names[speaker]
        head = f"[{date}{hour:02}:{minute:02}:{second:02}] " if apple else f"{date}{hour:02}:{minute:02} - "
        if first:
            line = f"{head}{mark}{ENCRYPTED}\n".encode()
            first = False
        elif kind in ("text", "edited"):
            line = f"{head}{name}: {text}{edited if kind == 'edited' else ''}\n".encode()
        elif kind == "media":
            line = (mark + head).encode() + f"{name}: ".encode() + media + b"\n"
        elif kind == "deleted":
            line = f"{head}{name}: {deleted}\n".encode()
        else:
            notice = NOTICES[at % len(NOTICES)]
            line = f"{head}{name + ': ' + mark if apple else ''}{notice}\n".encode()
        lines.append(line)
        if len(lines) >= 4096:
            out.writelines(lines)
            lines.clear()
    out.writelines(lines)


def _attribute(text: str) -> str:
    """Escape as the app does: line ends and emoji become references, emoji even as two surrogates."""
    text = (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("\n", "&#10;")
    )
    if text.isascii():
        return text
    out = []
    for c in text:
        code = ord(c)
        if code > 0xFFFF:
            code -= 0x10000
            out.append(f"&#{0xD800 + (code >> 10)};&#{0xDC00 + (code & 0x3FF)};")
        else:
            out.append(c)
    return "".join(out)


def _picture(out: BinaryIO, rng: random.Random, size: int) -> None:
    """Write *size* bytes that begin like a JPEG as base64, in pieces."""
    out.write(base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"))
    left = size - 12
    while left > 0:
        piece = min(left, 48 * 1024)
        out.write(base64.b64encode(rng.randbytes(piece)))
        left -= piece


def write_sms(out: BinaryIO, count: int, seed: int, pictures: int, big: int) -> None:
    """
    Write a message backup.

    Args:
        pictures: how many messages carry a picture of 80 to 400 KB, spread evenly.
        big: MiB of one more picture in the middle; 0 for none.
    """
    rng = random.Random(seed + 1)
    start = int((START - datetime(1970, 1, 1)).total_seconds())
    every = count // pictures if pictures else 0
    out.write(b"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n")
    out.write(
        f'<smses count="{count}" backup_set="0000-{seed}" backup_date="{(start + SPAN) * 1000}" type="full">\n'.encode()
    )
    address = "+447700900123"
    for n, (at, speaker, _, text) in enumerate(messages(count, seed)):
        date = (start + at) * 1000 + n % 1000
        box = 2 if speaker == 0 else 1
        shown = f"{START + timedelta(seconds=at):%d %b %Y %H:%M:%S}"
        who = f'date="{date}" readable_date="{shown}" contact_name="Ben" address="{address}"'
        if (big and n == count // 2) or (every and n % every == every // 2):
            size = big * 2**20 if big and n == count // 2 else rng.randint(80_000, 400_000)
            out.write(
                f'  <mms {who} msg_box="{box}" m_type="{128 if box == 2 else 132}" read="1" sub_id="-1">\n'.encode()
            )
            out.write(
                f'    <parts>\n      <part seq="0" ct="image/jpeg" name="{n}.jpg" cl="null" text="null" data="'.encode()
            )
            _picture(out, rng, size)
            out.write(f'" />\n      <part seq="0" ct="text/plain" name="null" text="{_attribute(text)}" />\n'.encode())
            kind = 151 if box == 2 else 137
            out.write(
                f'    </parts>\n    <addrs><addr address="{address}" type="{kind}" charset="106" /></addrs>\n'.encode()
            )
            out.write(b"  </mms>\n")
            continue
        out.write(
            f'  <sms protocol="0" {who} type="{box}" subject="null" body="{_attribute(text)}" toa="null" sc_toa="null" '
            f'service_center="null" read="1" status="-1" locked="0" date_sent="{date * (box == 1)}" '
            'sub_id="-1" />\n'.encode()
        )
    out.write(b"</smses>\n")


def write_calls(out: BinaryIO, count: int, seed: int) -> None:
    """Write a backup of calls: half of them missed."""
    rng = random.Random(seed + 2)
    start = int((START - datetime(1970, 1, 1)).total_seconds())
    out.write(b"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n")
    out.write(
        f'<calls count="{count}" backup_set="0000-{seed}" backup_date="{(start + SPAN) * 1000}" type="full">\n'.encode()
    )
    for at, speaker, _, _ in messages(count, seed):
        missed = rng.random() < 0.5
        kind = 3 if missed else 2 if speaker == 0 else 1
        length = 0 if missed else int(rng.lognormvariate(4.5, 1.3))
        shown = f"{START + timedelta(seconds=at):%d %b %Y %H:%M:%S}"
        out.write(
            f'  <call number="+447700900123" duration="{length}" date="{(start + at) * 1000}" type="{kind}" '
            f'presentation="1" subscription_id="null" readable_date="{shown}" contact_name="Ben" />\n'.encode()
        )
    out.write(b"</calls>\n")


def main() -> int:
    """Read the command line and write one file."""
    parser = argparse.ArgumentParser(description="Write a realistic archive from a seed.")
    parser.add_argument("kind", choices=("whatsapp", "sms", "calls"))
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--layout", choices=("android", "iphone"), default="android")
    parser.add_argument("--pictures", type=int, default=0, help="messages with a picture (sms)")
    parser.add_argument("--big-picture", type=int, default=0, help="MiB of one more picture (sms)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with options.out.open("wb") as out:
        if options.kind == "whatsapp":
            write_whatsapp(out, options.messages, options.seed, options.layout)
        elif options.kind == "sms":
            write_sms(out, options.messages, options.seed, options.pictures, options.big_picture)
        else:
            write_calls(out, options.messages, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
