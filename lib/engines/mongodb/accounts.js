// Prints the users and roles that the server at MONGODB_URI knows, a line each, in an order of its own: `user ["<database>","<name>"]`.
//
// environment: MONGODB_URI, ROLE_DATABASES (names, one a line): where to look for roles, for who may not read all of them at once
const server = new Mongo(process.env.MONGODB_URI);
const admin = server.getDB('admin');
const databases = (process.env.ROLE_DATABASES ?? '').split('\n').filter(Boolean);
// Whoever may restore accounts may ask for them, and need not be allowed to read the collections that hold them.
const asked = {
  user: () => admin.runCommand({ usersInfo: { forAllDBs: true } }).users,
  role: () => databases.flatMap(name => server.getDB(name).runCommand({ rolesInfo: 1 }).roles),
};
for (const kind of ['user', 'role']) {
  let found;
  try {
    found = admin
      .getCollection(`system.${kind}s`)
      .find({}, { db: 1, [kind]: 1 })
      .toArray();
  } catch (error) {
    if (error.codeName !== 'Unauthorized') throw error;
    found = asked[kind]();
  }
  for (const account of found) print(`${kind} ${JSON.stringify([account.db, account[kind]])}`);
}
