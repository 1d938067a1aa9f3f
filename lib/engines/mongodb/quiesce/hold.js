// Locks the member at MONGODB_URI and keeps it locked until it reads a line, or the end of its input: then it says whether the member was locked until
// then, and unlocks it. What it says: `LOCKED`, `RELEASED`, or `REFUSED <why>`.
//
// environment: MONGODB_URI, REPLICA_SET, ONLY_MEMBER, QUIESCE_WAIT; see lock.sh
const fs = require('node:fs');
const { MONGODB_URI, REPLICA_SET = '', ONLY_MEMBER, QUIESCE_WAIT } = process.env;
const say = line => fs.writeSync(1, `${line}\n`);
const isLocked = admin => admin.runCommand({ currentOp: 1, $ownOps: true }).fsyncLock === true;

function whyNot(hello) {
  if (hello.msg === 'isdbgrid') return 'this is a mongos, which holds no data: quiesce the members of its shards';
  if ((hello.setName ?? '') !== REPLICA_SET) return `it is of replica set "${hello.setName ?? ''}": set replicaSet to that name`;
  if (hello.secondary) return '';
  if (hello.setName && !hello.isWritablePrimary) return 'it is neither primary nor secondary at the moment';
  const members = [...(hello.hosts ?? []), ...(hello.passives ?? []), ...(hello.arbiters ?? [])].length;
  if (members > 1) return 'it is the primary, and nobody can write while it is locked: quiesce a secondary';
  return ONLY_MEMBER === 'yes' ? '' : 'nobody can write while it is locked: if that is acceptable, set onlyMember: true';
}

// What the primary had when it was asked for, and so all that a majority had committed by then.
function catchUp(admin) {
  const status = () => admin.runCommand({ replSetGetStatus: 1 }).members;
  const primary = status().find(member => member.stateStr === 'PRIMARY');
  if (!primary) return 'its replica set has no primary, so nobody knows how far behind it is';
  // In time to say so: the wait began when this process did.
  for (const end = Date.now() + (QUIESCE_WAIT - 1 - process.uptime()) * 1000; ; sleep(200)) {
    const own = status().find(member => member.self).optime.ts;
    if (own.greaterThanOrEqual(primary.optime.ts)) return '';
    if (Date.now() > end) return `it is behind its primary, still after ${QUIESCE_WAIT} s: a longer wait gives it the time`;
  }
}

function lock(admin) {
  const hello = admin.runCommand({ hello: 1 });
  const refusal = whyNot(hello) || (hello.secondary ? catchUp(admin) : '');
  if (refusal) return refusal;
  if (isLocked(admin)) return 'somebody else has locked it';
  fs.writeFileSync('locked', '');
  const { lockCount } = admin.runCommand({ fsync: 1, lock: true });
  if (Number(lockCount ?? 1) === 1) return '';
  admin.runCommand({ fsyncUnlock: 1 });
  fs.rmSync('locked');
  return 'somebody else has locked it at the same moment';
}

function hold() {
  const admin = new Mongo(MONGODB_URI).getDB('admin');
  const refusal = lock(admin);
  if (refusal) return say(`REFUSED ${refusal}`);
  say('LOCKED');
  fs.readSync(fs.openSync('/dev/stdin'), Buffer.alloc(64));
  if (!isLocked(admin)) return say('REFUSED somebody else has unlocked it');
  admin.runCommand({ fsyncUnlock: 1 });
  fs.rmSync('locked');
  say('RELEASED');
}

try {
  hold();
} catch (error) {
  say(`REFUSED ${String(error.message).split('\n')[0]}`);
}
