"""What a report says is put together here, part by part, as plain data that any format can show."""
