// Prints what a restore would find in databases, a line each: <database> TAB held|collections|timeseries TAB <how many collections
// hold a document, are there, are time series>, and <database> TAB left TAB <prefix of an interrupted restore>.
//
// environment: MONGODB_URI, TARGETS (names, one a line)
for (const name of process.env.TARGETS.split('\n').filter(Boolean)) {
  const database = new Mongo(process.env.MONGODB_URI).getDB(name);
  // Functions that are kept in the database are its own, too.
  const infos = database.getCollectionInfos().filter(info => info.name === 'system.js' || !info.name.startsWith('system.'));
  const own = infos.filter(info => !/_before_\d{14}$|^restore_\d{8}t\d{6}z_/.test(info.name));
  const held = own.filter(info => info.type !== 'view' && database.getCollection(info.name).findOne({}, { _id: 1 }) !== null);
  print(`${name}\theld\t${held.length}`);
  print(`${name}\tcollections\t${own.length}`);
  print(`${name}\ttimeseries\t${own.filter(info => info.type === 'timeseries').length}`);
  const left = infos.map(info => /^restore_\d{8}t\d{6}z_[a-z0-9_]*?_of_/.exec(info.name)?.[0]).filter(Boolean);
  for (const prefix of new Set(left)) print(`${name}\tleft\t${prefix}`);
}
