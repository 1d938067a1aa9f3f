// Evaluates an assertion, an expression of mongosh with `db` as the database to ask, and prints its value.
//
// environment: MONGODB_URI, DATABASE, QUERY_FILE, which sets `answer`. It is loaded rather than evaluated: only so does mongosh
// wait for what an expression asks of the server.
globalThis.db = new Mongo(process.env.MONGODB_URI).getDB(process.env.DATABASE);
load(process.env.QUERY_FILE);
const { answer } = globalThis;
const plain = answer === null || typeof answer !== 'object' || answer._bsontype !== undefined;
print(plain ? String(answer) : EJSON.stringify(answer));
