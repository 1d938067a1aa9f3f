# Reads the part `views` of a dump. WHAT=stand-ins: tables in the place of views, with their columns and no more. WHAT=views: the views,
# each of which takes the place of its stand-in. A view may read one of another database: first all of the ones, then all of the others.

/^-- (Temporary (table|view)|Final view) structure for view `/ { part = /^-- Final/ ? "views" : "stand-ins" }
# What follows them is of the whole dump.
/^\/\*!40103 SET TIME_ZONE=@OLD_TIME_ZONE/ { part = "" }
part == "" || part == ENVIRON["WHAT"] { print }
