// Prints what the server at MONGODB_URI is: `kind TAB standalone|replica set|mongos`, `set TAB <name>`, `version TAB <version>`.
//
// Of a replica set also `primary TAB yes|no`, whether one is known, `silent TAB <host:port>` for members that do not answer, and `member TAB
// <host:port> TAB secondary|primary TAB <seconds>`, the one member to dump from: the secondary that is least behind, of those that answer and that
// READ_FROM allows; the primary, where that secondary is more than MAXIMUM_LAG seconds behind. One member for all of it: what one member
// has of the oplog need not fit the documents that another one has. The seconds are how far what a majority has, as this member knows it, is behind
// the newest write of the set: it is what is dumped.
const uri = process.env.MONGODB_URI;
const readFrom = process.env.READ_FROM;
const admin = new Mongo(uri).getDB('admin');
const hello = admin.runCommand({ hello: 1 });
print(`kind\t${hello.msg === 'isdbgrid' ? 'mongos' : hello.setName ? 'replica set' : 'standalone'}`);
print(`set\t${hello.setName ?? ''}`);
print(`version\t${admin.runCommand({ buildInfo: 1 }).version}`);
if (hello.setName) {
  const members = [];
  for (const host of [...(hello.hosts ?? []), ...(hello.passives ?? [])]) {
    try {
      const answer = new Mongo(uri.replace(/@[^/]*\//, `@${host}/`)).getDB('admin').runCommand({ hello: 1 });
      const { lastWriteDate = 0, majorityWriteDate = lastWriteDate } = answer.lastWrite ?? {};
      if (answer.secondary || answer.isWritablePrimary) {
        members.push({ host, primary: Boolean(answer.isWritablePrimary), written: Number(lastWriteDate), safe: Number(majorityWriteDate) });
      }
    } catch {
      print(`silent\t${host}`);
    }
  }
  const primary =
    members.find(member => member.primary) ?? (hello.primary && members.length === 0 ? { host: hello.primary, primary: true } : undefined);
  const newest = Math.max(...(primary ? [primary] : members).map(({ written = 0 }) => written));
  const behind = ({ safe = newest }) => Math.max(0, Math.round((newest - safe) / 1000));
  const [secondary] = members.filter(member => !member.primary).sort((a, b) => b.safe - a.safe);
  const fits = secondary && readFrom !== 'primary' && behind(secondary) <= Number(process.env.MAXIMUM_LAG);
  const chosen = fits || !primary || readFrom === 'secondary' ? secondary : primary;
  print(`primary\t${primary ? 'yes' : 'no'}`);
  if (chosen && (chosen.primary || readFrom !== 'primary'))
    print(`member\t${chosen.host}\t${chosen.primary ? 'primary' : 'secondary'}\t${behind(chosen)}`);
}
