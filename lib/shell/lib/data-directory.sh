# shellcheck shell=sh
# For jobs that work on a server's files: what its data directory holds, and how it is replaced. lib.sh is sourced before.
#
# environment:
#   DATA_DIRECTORY   the directory, on the server's own volume, which is mounted at /data
#   DATA_VOLUME      where that volume is mounted, where it is not /data
#   REPLACE          `yes`: a directory that holds something may be replaced; what it held is put aside, never deleted
#
# The new directory is made whole and checked under another name on the same volume; the old one is put aside and the new one
# takes its place by renames alone. A restore that fails or is killed before that leaves the old directory as it was. While it puts it
# in place, .restoring-in-place on the volume says where the old one is.
data_volume=${DATA_VOLUME:-/data}

# What the volume's own file system put there, and what earlier restores put aside, is no data.
data_held() {
  [ -d "$DATA_DIRECTORY" ] || return 0
  find "$DATA_DIRECTORY" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.before-*' ! -name '.restoring-*'
}

held_names() { data_held | head -n "$1" | sed 's|.*/||' | tr '\n' ' ' | sed 's/ $//'; } # HOW-MANY

# A pod that has an fsGroup could not write a new volume without it; and for it the kubelet opens an old one's files to the group.
# Servers refuse a data directory of which that was done, so it is taken back.
close_to_group() { find "$DATA_DIRECTORY" -perm -020 -exec chmod g-rwxs {} + 2>/dev/null || :; }

# Refuses what would overwrite; then makes $STAGING, an empty directory on the same volume.
stage_data_directory() {
  held=$(held_names 3)
  # An image whose server finds no data makes an empty server.
  { [ ! -s "$data_volume/.restoring-in-place" ] || [ ! -e "$(cat "$data_volume/.restoring-in-place")" ]; } ||
    remark "an earlier restore was interrupted while it put a data directory in place. The directory now holds ${held:-nothing}; what it held before that restore is in $(cat "$data_volume/.restoring-in-place") of the volume. Do not start a server before a restore has succeeded"
  [ -z "$held" ] || [ "$REPLACE" = yes ] ||
    refuse "the data directory is not empty ($held): nothing was changed. Set replace to yes in ConfigMap $REQUEST_NAME (the old data is put aside, not deleted), or restore to another volume"
  # The pod that made them is gone: one restore at a time has the volume.
  find "$data_volume" -maxdepth 1 -name '.restoring-*' ! -name .restoring-in-place -exec rm -rf {} +
  STAGING=$data_volume/.restoring-$POINT
  mkdir -p "$(dirname "$DATA_DIRECTORY")" "$STAGING" 2>"$SCRATCH/stage.err" ||
    die "the data volume cannot be written: $(last_words "$SCRATCH/stage.err" 1)"
}

# Two restores within a second must not share one.
name_old() { # WHAT COMES BEFORE THE TIME
  while
    OLD=$1$(date -u +%Y%m%d%H%M%S)
    [ -e "$OLD" ]
  do sleep 1; done
}

# What the first one of several that were interrupted has put aside is what somebody may miss.
note_old() {
  [ -s "$data_volume/.restoring-in-place" ] || printf '%s\n' "$OLD" >"$data_volume/.restoring-in-place"
  sync
}

# Puts the old directory aside and the staged one in its place. OLD is where the old one is now, or empty.
swap_data_directory() {
  # Hours may have passed since it was asked for. Its address may not be known here any more.
  if running_said=$(engine running files 2>&1); then
    refuse "the $ENGINE server was started while this restore was running ($running_said): scale it to zero, and restore again; nothing was changed"
  fi
  OLD=
  if [ "$DATA_DIRECTORY" = "$data_volume" ]; then
    # A volume's root cannot be renamed, what is in it can. A name with a dot in front: some servers take every directory of
    # theirs for a database.
    if [ -n "$(data_held)" ]; then
      name_old "$data_volume/.before-"
      note_old
      mkdir "$OLD"
      data_held | while IFS= read -r entry; do mv "$entry" "$OLD/" || exit 1; done ||
        die "the old data could not all be put aside: part of it is in $OLD, and the rest still in the data directory; nothing was deleted"
    fi
    find "$STAGING" -mindepth 1 -maxdepth 1 -exec mv {} "$data_volume/" \;
    rmdir "$STAGING" || die "the restored files could not all be put in place: the rest is in $STAGING"
  else
    if [ -n "$(data_held)" ]; then
      name_old "$DATA_DIRECTORY.before-"
      note_old
      mv "$DATA_DIRECTORY" "$OLD"
    elif [ -d "$DATA_DIRECTORY" ]; then
      rmdir "$DATA_DIRECTORY"
    fi
    mv "$STAGING" "$DATA_DIRECTORY"
  fi
  sync
  rm -f "$data_volume/.restoring-in-place"
  [ -z "$OLD" ] || log "what the data directory held before is in $OLD of the volume: delete it when it is no longer needed"
}
