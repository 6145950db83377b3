"""Reader for the XML files of SMS Backup & Restore (Android): SMS, MMS, RCS and calls. See README.md."""
