// Gives restored collections their names. What a database held before is kept under `<name>_before_<time>`.
//
// Each rename is atomic, all of them together are not: between two of them, for as long as two commands take, a collection is
// absent. When one fails, those before it are undone.
//
// environment: MONGODB_URI, TARGET, PREFIX of the restored collections, SUFFIX for the old ones
const server = new Mongo(process.env.MONGODB_URI);
const { TARGET: target, PREFIX: prefix, SUFFIX: suffix } = process.env;
const database = server.getDB(target);
const undo = [];
const done = [];

function rename(from, to) {
  server.getDB('admin').runCommand({ renameCollection: `${target}.${from}`, to: `${target}.${to}` });
  undo.unshift(() => server.getDB('admin').runCommand({ renameCollection: `${target}.${to}`, to: `${target}.${from}` }));
}

// MongoDB manual, "MongoDB Limits and Thresholds": at most 255 bytes for both names and the dot. What is cut off keeps names apart.
function before(name) {
  const room = 255 - Buffer.byteLength(`${target}.${suffix}`);
  if (Buffer.byteLength(name) <= room) return `${name}${suffix}`;
  const mark = require('node:crypto').createHash('sha256').update(name).digest('hex').slice(0, 8);
  let cut = name;
  while (Buffer.byteLength(cut) > room - mark.length - 1) cut = [...cut].slice(0, -1).join('');
  return `${cut}_${mark}${suffix}`;
}

// Functions that are kept in the database: MongoDB renames nothing from system.js or to it.
function replaceFunctions(all) {
  const restored = all.find(info => info.name === `${prefix}system.js`);
  const functions = database.getCollection('system.js');
  const put = documents => {
    functions.deleteMany({});
    if (documents.length > 0) functions.insertMany(documents);
  };
  const old = all.some(info => info.name === 'system.js') ? functions.find().toArray() : [];
  if (old.length > 0) database.getCollection(before('functions')).insertMany(old);
  if (old.length > 0 || restored) undo.unshift(() => put(old));
  if (restored) done.push(restored.name);
  if (old.length > 0 || restored) put(restored ? database.getCollection(restored.name).find().toArray() : []);
}

// Views cannot be renamed; they are made again, which costs nothing.
function moveView(info, to) {
  const { viewOn, pipeline, collation } = info.options;
  database.createView(to, viewOn, pipeline, collation ? { collation } : {});
  undo.unshift(() => database.getCollection(to).drop());
  database.getCollection(info.name).drop();
  undo.unshift(() => database.createView(info.name, viewOn, pipeline, collation ? { collation } : {}));
}
const move = (info, to) => (info.type === 'view' ? moveView(info, to) : rename(info.name, to));

try {
  const all = database.getCollectionInfos();
  const infos = all.filter(info => !info.name.startsWith('system.'));
  const restored = infos.filter(info => info.name.startsWith(prefix) && info.name !== `${prefix}system.js`);
  const old = new Map(infos.filter(info => !/_before_\d{14}$|^restore_\d{8}t\d{6}z_/.test(info.name)).map(info => [info.name, info]));
  for (const info of restored) {
    const name = info.name.slice(prefix.length);
    if (old.has(name)) move(old.get(name), before(name));
    old.delete(name);
    for (let intruders = 1; ; intruders += 1) {
      try {
        move(info, name);
        break;
      } catch (error) {
        // An application that writes meanwhile makes the collection anew.
        if (error.codeName !== 'NamespaceExists' || intruders > 5) throw error;
        rename(name, before(`${name}_since_${intruders}`));
      }
    }
  }
  for (const info of old.values()) move(info, before(info.name));
  replaceFunctions(all);
} catch (error) {
  for (const step of undo) step();
  throw error;
}
for (const name of done) database.getCollection(name).drop();
