// Creates the users and roles of the server at SOURCE_URI, or of a file, that the server at MONGODB_URI lacks, with their passwords, as
// mongorestore does: by a command of the server that adds what two collections hold, and leaves alone who is there.
//
// environment: MONGODB_URI, SOURCE_URI or ACCOUNTS_FILE (what export-accounts.js has printed), MISSING (as accounts.js prints them, one a line)
const missing = process.env.MISSING.split('\n').filter(Boolean);
const file =
  process.env.ACCOUNTS_FILE && EJSON.parse(require('node:fs').readFileSync(process.env.ACCOUNTS_FILE, 'utf8'), { relaxed: false });
const source = file ? undefined : new Mongo(process.env.SOURCE_URI).getDB('admin');
const target = new Mongo(process.env.MONGODB_URI).getDB('admin');
const command = { _mergeAuthzCollections: 1 };
const made = [];
try {
  for (const [kind, parameter] of [
    ['user', 'tempUsersCollection'],
    ['role', 'tempRolesCollection'],
  ]) {
    const accounts = file ? (file[`${kind}s`] ?? []) : source.getCollection(`system.${kind}s`).find().toArray();
    const lacking = accounts.filter(account => missing.includes(`${kind} ${JSON.stringify([account.db, account[kind]])}`));
    if (lacking.length === 0) continue;
    // Names by which a user with the role `restore` may write them.
    made.unshift(target.getCollection(`temp${kind}s`));
    made[0].drop();
    made[0].insertMany(lacking);
    command[parameter] = `admin.temp${kind}s`;
  }
  if (made.length > 0) target.runCommand({ ...command, drop: false, db: '' });
} finally {
  for (const collection of made) collection.drop();
}
