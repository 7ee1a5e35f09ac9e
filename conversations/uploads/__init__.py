"""What may be uploaded: kinds told by content, never by what a device claims."""
