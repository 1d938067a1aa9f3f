# What there is to remember of one manifest that was fetched.
BEGIN { print read_manifest(path, id) && field["series"] == series ? record(series, id, stamp) : unread(series, id, stamp, "damaged") }
