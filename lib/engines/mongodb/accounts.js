// Prints the users and roles that the server at MONGODB_URI knows, or a file has, a line each, in an order of its own:
// `user ["<database>","<name>"]`.
//
// environment: MONGODB_URI or ACCOUNTS_FILE (what export-accounts.js has printed), and ROLE_DATABASES (names, one a line): where to look for
// roles, for who may not read all of them at once
function accountsOfFile(file) {
  const accounts = EJSON.parse(require('node:fs').readFileSync(file, 'utf8'));
  return kind => accounts[`${kind}s`] ?? [];
}
function accountsOfServer(server) {
  const admin = server.getDB('admin');
  const databases = (process.env.ROLE_DATABASES ?? '').split('\n').filter(Boolean);
  // Whoever may restore accounts may ask for them, and need not be allowed to read the collections that hold them.
  const asked = {
    user: () => admin.runCommand({ usersInfo: { forAllDBs: true } }).users,
    role: () => databases.flatMap(name => server.getDB(name).runCommand({ rolesInfo: 1 }).roles),
  };
  return kind => {
    try {
      return admin
        .getCollection(`system.${kind}s`)
        .find({}, { db: 1, [kind]: 1 })
        .toArray();
    } catch (error) {
      if (error.codeName !== 'Unauthorized') throw error;
      return asked[kind]();
    }
  };
}
const { ACCOUNTS_FILE: accountsFile } = process.env;
const accountsOf = accountsFile ? accountsOfFile(accountsFile) : accountsOfServer(new Mongo(process.env.MONGODB_URI));
for (const kind of ['user', 'role']) {
  for (const account of accountsOf(kind)) print(`${kind} ${JSON.stringify([account.db, account[kind]])}`);
}
