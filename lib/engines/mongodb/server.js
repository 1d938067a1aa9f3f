// Prints what the server at MONGODB_URI is: `kind TAB standalone|replica set|mongos`, `set TAB <name>`, `version TAB <version>`.
//
// Of a replica set also `member TAB <host:port> TAB secondary|primary`, the one member to dump from: the least behind of those
// that answer and that READ_FROM allows. One member for all of it: what one member has of the oplog need not fit the documents
// that another one has.
const uri = process.env.MONGODB_URI;
const readFrom = process.env.READ_FROM;
const admin = new Mongo(uri).getDB('admin');
const hello = admin.runCommand({ hello: 1 });
print(`kind\t${hello.msg === 'isdbgrid' ? 'mongos' : hello.setName ? 'replica set' : 'standalone'}`);
print(`set\t${hello.setName ?? ''}`);
print(`version\t${admin.runCommand({ buildInfo: 1 }).version}`);
if (hello.setName) {
  const secondaries = [];
  let primary = hello.primary;
  for (const host of [...(hello.hosts ?? []), ...(hello.passives ?? [])]) {
    try {
      const member = new Mongo(uri.replace(/@[^/]*\//, `@${host}/`)).getDB('admin').runCommand({ hello: 1 });
      if (member.secondary) secondaries.push({ host, written: Number(member.lastWrite?.lastWriteDate ?? 0) });
      if (member.isWritablePrimary) primary = host;
    } catch {
      print(`silent\t${host}`);
    }
  }
  secondaries.sort((a, b) => b.written - a.written);
  if (secondaries.length > 0 && readFrom !== 'primary') print(`member\t${secondaries[0].host}\tsecondary`);
  else if (primary && readFrom !== 'secondary') print(`member\t${primary}\tprimary`);
}
