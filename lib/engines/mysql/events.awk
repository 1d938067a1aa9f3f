# Reads the part `events` of a dump. WHAT=disabled: the same, with every event disabled. WHAT=enabling: statements that enable those
# that were enabled. (ALTER EVENT keeps times, time zone and mode; the owner only when it is named.)

$0 == "DELIMITER ;;" { begins = 1 }
$0 == "DELIMITER ;" { begins = 0 }

begins && /^\/\*!50106 CREATE\*\/ / {
  begins = 0
  # What is said of the event stands after its name, and before what it does.
  at = match($0, / EVENT `([^`]|``)*` ON SCHEDULE /) ? RSTART + RLENGTH : 0
  if (at && match(substr($0, at - 1), / ON COMPLETION (NOT )?PRESERVE [A-Z]+ /) && substr($0, at + RSTART + RLENGTH - 10, 8) == " ENABLE ") {
    if (ENVIRON["WHAT"] == "disabled") {
      end = at + RSTART + RLENGTH - 3
      $0 = substr($0, 1, end - 7) "DISABLE" substr($0, end)
    } else {
      statement = "alter "
      if (match($0, / DEFINER=.*\*\/ \/\*!50106 EVENT `/)) statement = statement substr($0, RSTART + 1, index(substr($0, RSTART), "*/") - 2) " "
      match($0, / EVENT `([^`]|``)*`/)
      print statement "event" substr($0, RSTART + 6, RLENGTH - 6) " enable;"
    }
  }
}

ENVIRON["WHAT"] == "disabled" { print }
