// Prints what can be counted of the chosen databases, as facts.
//
// environment: MONGODB_URI, DATABASES (names, one a line; empty: all, with users and roles), and
//   PREFIX, NAMED   of a database that is being restored: of the collections to count, and the name it had when it was dumped
//   NEWEST          `yes`: print `newest TAB <second of the newest entry of the oplog>`, too
//   NAMES           `yes`: print `database TAB <name>` for each, too
//   COUNT           `yes`: have the server validate every collection, and count its documents, too
const server = new Mongo(process.env.MONGODB_URI);
const chosen = (process.env.DATABASES ?? '').split('\n').filter(Boolean);
const prefix = process.env.PREFIX ?? '';
const fact = (key, number) => print(`${JSON.stringify(key)}:${number}`);
if (process.env.NEWEST === 'yes') {
  const oplog = server.getDB('local').getCollection('oplog.rs');
  const [newest] = oplog.find({}, { ts: 1 }).sort({ $natural: -1 }).limit(1).toArray();
  if (!newest) throw new Error('error: the oplog is empty, or this user is not allowed to read the database local');
  print(`newest\t${newest.ts.getHighBits()}`);
}
// Asked for all of them, a server leaves out without a word what a user may not see; asked so, it says that there is something.
if (chosen.length === 0 && process.env.PREFIX === undefined) {
  try {
    server.getDB('admin').runCommand({ listDatabases: 1, nameOnly: true, authorizedDatabases: false });
  } catch (error) {
    if (error.codeName !== 'Unauthorized') throw error;
    throw new Error('error: this user does not see every database of the server: give it the role backup, or name the databases');
  }
}
// What MongoDB's manual has of a collection, a view and an index (commands create and createIndexes), but for versions of formats, which
// are the server's.
const OPTIONS = ['validator', 'validationLevel', 'validationAction', 'capped', 'size', 'max', 'viewOn', 'pipeline', 'collation'].concat(
  ['clusteredIndex', 'timeseries', 'expireAfterSeconds', 'changeStreamPreAndPostImages', 'encryptedFields'],
  ['indexOptionDefaults', 'storageEngine'],
);
const INDEX_OPTIONS = ['name', 'key', 'unique', 'sparse', 'partialFilterExpression', 'hidden', 'collation', 'weights'].concat([
  'default_language',
  'language_override',
  'wildcardProjection',
  'bits',
  'min',
  'max',
  'prepareUnique',
]);
// A number that stands for what a collection or view is, and not for what it holds.
function definition({ type, options = {} }, indexes) {
  const plain = OPTIONS.map(name => options[name] ?? null);
  const keys = indexes.map(index => INDEX_OPTIONS.map(name => index[name] ?? null).concat(String(index.expireAfterSeconds ?? '')));
  const text = EJSON.stringify([type, plain, keys.sort((a, b) => (a[0] < b[0] ? -1 : 1))]);
  return Number.parseInt(require('node:crypto').createHash('sha256').update(text).digest('hex').slice(0, 13), 16);
}
// What users have put into the server's own database `admin` is data like any other. There a restore has accounts on their way.
const own = name => (name === 'admin' ? /^(system\.|temp(users|roles)$)/ : /^system\./);
const collections = name =>
  server
    .getDB(name)
    .getCollectionInfos()
    .filter(info => info.name.startsWith(prefix) && !own(name).test(info.name.slice(prefix.length)));
const held = name => !['config', 'local'].includes(name) && (name !== 'admin' || collections(name).length > 0);
const names = chosen.length > 0 ? chosen : server.getDBNames().filter(held);
for (const name of names) {
  const database = server.getDB(name);
  const infos = collections(name);
  const as = process.env.NAMED || name;
  if (process.env.NAMES === 'yes') print(`database\t${as}`);
  const of = type => infos.filter(info => info.type === type).length;
  fact(`collections/${as}`, of('collection'));
  fact(`timeseries/${as}`, of('timeseries'));
  fact(`views/${as}`, of('view'));
  const encrypted = infos.filter(info => info.options?.encryptedFields).length;
  if (encrypted > 0) fact(`encrypted/${as}`, encrypted);
  for (const info of infos) {
    const key = `${as}.${info.name.slice(prefix.length)}`;
    const indexes = info.type === 'view' ? [] : database.getCollection(info.name).getIndexes();
    fact(`definition/${key}`, definition(info, indexes));
    if (info.type === 'view') continue;
    fact(`indexes/${key}`, indexes.length);
    if (process.env.COUNT !== 'yes') continue;
    const stored = info.type === 'timeseries' ? `system.buckets.${info.name}` : info.name;
    const result = database.runCommand({ validate: stored });
    if (!result.valid) throw new Error(`error: validate finds ${name}.${info.name} damaged: ${result.errors.join('; ')}`);
    fact(`documents/${key}`, database.getCollection(stored).countDocuments({}));
  }
  // Functions that are kept in the database: mongodump counts them with the documents.
  if (process.env.COUNT === 'yes' && prefix === '' && database.getCollectionInfos().some(info => info.name === 'system.js'))
    fact(`documents/${as}.system.js`, database.getCollection('system.js').countDocuments({}));
}
if (chosen.length === 0) {
  fact('databases', names.length);
  for (const kind of ['users', 'roles']) fact(kind, server.getDB('admin').getCollection(`system.${kind}`).countDocuments({}));
}
