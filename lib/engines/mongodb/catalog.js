// Prints what can be counted of the chosen databases, as facts.
//
// environment: MONGODB_URI, DATABASES (names, one a line; empty: all, with users and roles), and
//   PREFIX, NAMED   of a database that is being restored: of the collections to count, and the name it had when it was dumped
//   NEWEST          `yes`: print `newest TAB <second of the newest entry of the oplog>`, too
//   COUNT           `yes`: have the server validate every collection, and count its documents, too
const server = new Mongo(process.env.MONGODB_URI);
const chosen = (process.env.DATABASES ?? '').split('\n').filter(Boolean);
const prefix = process.env.PREFIX ?? '';
const fact = (key, number) => print(`${JSON.stringify(key)}:${number}`);
if (process.env.NEWEST === 'yes') {
  const oplog = server.getDB('local').getCollection('oplog.rs');
  const [newest] = oplog.find({}, { ts: 1 }).sort({ $natural: -1 }).limit(1).toArray();
  if (!newest) throw new Error('error: the oplog is empty, or this user may not read the database local');
  print(`newest\t${newest.ts.getHighBits()}`);
}
const names = chosen.length > 0 ? chosen : server.getDBNames().filter(name => !['admin', 'config', 'local'].includes(name));
for (const name of names) {
  const database = server.getDB(name);
  const infos = database.getCollectionInfos().filter(info => !info.name.startsWith('system.') && info.name.startsWith(prefix));
  const as = process.env.NAMED || name;
  const of = type => infos.filter(info => info.type === type).length;
  fact(`collections/${as}`, of('collection'));
  fact(`timeseries/${as}`, of('timeseries'));
  fact(`views/${as}`, of('view'));
  for (const info of infos) {
    if (info.type === 'view') continue;
    const key = `${as}.${info.name.slice(prefix.length)}`;
    fact(`indexes/${key}`, database.getCollection(info.name).getIndexes().length);
    if (process.env.COUNT !== 'yes') continue;
    const stored = info.type === 'timeseries' ? `system.buckets.${info.name}` : info.name;
    const result = database.runCommand({ validate: stored });
    if (!result.valid) throw new Error(`error: validate finds ${name}.${info.name} damaged: ${result.errors.join('; ')}`);
    fact(`documents/${key}`, database.getCollection(stored).countDocuments({}));
  }
}
if (chosen.length === 0) {
  fact('databases', names.length);
  for (const kind of ['users', 'roles']) fact(kind, server.getDB('admin').getCollection(`system.${kind}`).countDocuments({}));
}
