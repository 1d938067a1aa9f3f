// Prints the users and roles of DATABASES with their passwords' hashes, as one line of JSON that create-accounts.js reads.
//
// environment: MONGODB_URI, DATABASES (names, one a line)
// Who may not read them gets `{"unseen":true}`: whoever may read these databases alone does not see whose accounts they are.
const admin = new Mongo(process.env.MONGODB_URI).getDB('admin');
const chosen = process.env.DATABASES.split('\n').filter(Boolean);
const found = {};
try {
  for (const kind of ['users', 'roles'])
    found[kind] = admin
      .getCollection(`system.${kind}`)
      .find({ db: { $in: chosen } })
      .toArray();
} catch (error) {
  if (error.codeName !== 'Unauthorized') throw error;
  found.unseen = true;
}
print(EJSON.stringify(found, { relaxed: false }));
