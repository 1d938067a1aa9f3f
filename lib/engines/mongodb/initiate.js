// Makes the server at MONGODB_URI a replica set of its own, which takes writes when this ends.
//
// environment: MONGODB_URI
const admin = new Mongo(process.env.MONGODB_URI).getDB('admin');
admin.runCommand({ replSetInitiate: { _id: 'scratch', members: [{ _id: 0, host: '127.0.0.1:27017' }] } });
for (let tries = 0; !admin.runCommand({ hello: 1 }).isWritablePrimary; tries += 1) {
  if (tries > 600) throw new Error('error: the scratch server did not become the primary of its replica set');
  sleep(100);
}
