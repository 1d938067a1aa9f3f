// Drops the collections whose names begin with PREFIX; where that is empty, those that a file names: whatever else an application has made
// in the database meanwhile is its own.
//
// environment: MONGODB_URI, TARGET, PREFIX, NAMES_FILE (names as JSON, one a line)
const database = new Mongo(process.env.MONGODB_URI).getDB(process.env.TARGET);
const { PREFIX: prefix, NAMES_FILE: file } = process.env;
const restored = new Set(
  prefix === ''
    ? require('node:fs')
        .readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line))
    : [],
);
for (const { name } of database.getCollectionInfos())
  if (prefix === '' ? restored.has(name) : name.startsWith(prefix)) database.getCollection(name).drop();
