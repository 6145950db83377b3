"""What a conversation is called: the app puts the name of the person or group into the name of the file.

``WhatsApp Chat with Ana.txt`` · ``WhatsApp Chat - Ana.zip`` · ``WhatsApp-Chat mit Ana.txt`` · ``与Ana的 WhatsApp
聊天.txt``. A name that follows no known form gives no title; a wrong title would stand next to evidence.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["names_the_app", "title_of"]

_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"WhatsApp[ -]Chat - (.+)",
        r"WhatsApp[ -]Chat (?:with|mit|met|med|z|s|com|con|cu|dengan|ile) (.+)",
        r"Chat (?:de|do) WhatsApp (?:con|com|amb) (.+)",
        r"Conversa (?:do|de) WhatsApp (?:com|amb) (.+)",
        r"Chat WhatsApp (?:con|dengan) (.+)",
        r"(?:Discussion|Conversation) WhatsApp avec (.+)",
        r"Чат WhatsApp с (?:контактом )?(.+)",
        r"Чат WhatsApp (?:з|із) (.+)",
        r"WhatsApp-chat(?:t)? (?:med|met) (.+)",
        r"WhatsApp-keskustelu (?:käyttäjän|henkilön) (.+?) kanssa",
        r"Czat WhatsApp z (.+)",
        r"(.+?) ile WhatsApp Sohbeti",
        r"与(.+?)的 ?WhatsApp ?(?:聊天|对话).*",
        r"與(.+?)的 ?WhatsApp ?(?:聊天|對話).*",
        r"WhatsApp ?(?:聊天|对话|對話)[ -]+(.+)",
        r"(.+?)とのWhatsApp(?:チャット|トーク)",
        r"(.+?)님과 ?(?:나눈 ?)?(?:WhatsApp|왓츠앱) ?(?:대화|채팅)",
        r"محادثة واتساب مع (.+)",
        r"دردشة واتساب مع (.+)",
        r"צ'אט WhatsApp עם (.+)",
    )
)
_COPY: Final = re.compile(r" ?\(\d{1,3}\)$")
_MARKS: Final = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def title_of(name: str) -> str:
    """Return the title inside a file name or path, ``""`` when it follows no known form."""
    stem = name.replace("\\", "/").rpartition("/")[2].translate(_MARKS)
    stem = re.sub(r"\.(?:txt|zip)$", "", stem, flags=re.IGNORECASE).strip()
    stem = _COPY.sub("", stem)
    for form in _FORMS:
        found = form.fullmatch(stem)
        if found:
            return found.group(1).strip()
    return ""


def names_the_app(path: str) -> bool:
    """Say whether a member or file is named as the app names its chat texts."""
    last = path.replace("\\", "/").rpartition("/")[2].casefold()
    if not last.endswith(".txt"):
        return False
    return re.fullmatch(r"_chat ?(?:\(?\d{1,3}\)?)?\.txt", last) is not None or "whatsapp" in last or "واتساب" in last
