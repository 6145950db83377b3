"""WhatsApp "Export chat": the text file, or the zip with its media (README.md beside this file)."""

from leeward.ingest.readers.whatsapp_txt.reader import WhatsAppTextReader

__all__ = ["WhatsAppTextReader"]
