// Drops the collections whose names begin with PREFIX; all of the database when PREFIX is empty.
//
// environment: MONGODB_URI, TARGET, PREFIX
const database = new Mongo(process.env.MONGODB_URI).getDB(process.env.TARGET);
if (process.env.PREFIX === '') database.dropDatabase();
else for (const { name } of database.getCollectionInfos()) if (name.startsWith(process.env.PREFIX)) database.getCollection(name).drop();
