// Unlocks the member at MONGODB_URI, if it is locked, once: as often as hold.js has locked it. It says `UNLOCKED`, or `REFUSED <why>`.
//
// environment: MONGODB_URI
const say = line => require('node:fs').writeSync(1, `${line}\n`);
try {
  const admin = new Mongo(process.env.MONGODB_URI).getDB('admin');
  if (admin.runCommand({ currentOp: 1, $ownOps: true }).fsyncLock === true) admin.runCommand({ fsyncUnlock: 1 });
  say('UNLOCKED');
} catch (error) {
  say(`REFUSED ${String(error.message).split('\n')[0]}`);
}
