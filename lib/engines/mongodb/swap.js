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

function rename(from, to) {
  server.getDB('admin').runCommand({ renameCollection: `${target}.${from}`, to: `${target}.${to}` });
  undo.unshift(() => server.getDB('admin').runCommand({ renameCollection: `${target}.${to}`, to: `${target}.${from}` }));
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
  const infos = database.getCollectionInfos().filter(info => !info.name.startsWith('system.'));
  const restored = infos.filter(info => info.name.startsWith(prefix));
  const old = new Map(infos.filter(info => !/_before_\d{14}$|^restore_\d{8}t\d{6}z_/.test(info.name)).map(info => [info.name, info]));
  for (const info of restored) {
    const name = info.name.slice(prefix.length);
    if (old.has(name)) move(old.get(name), `${name}${suffix}`);
    old.delete(name);
    for (let intruders = 1; ; intruders += 1) {
      try {
        move(info, name);
        break;
      } catch (error) {
        // An application that writes meanwhile makes the collection anew.
        if (error.codeName !== 'NamespaceExists' || intruders > 5) throw error;
        rename(name, `${name}_since_${intruders}${suffix}`);
      }
    }
  }
  for (const info of old.values()) move(info, `${info.name}${suffix}`);
} catch (error) {
  for (const step of undo) step();
  throw error;
}
