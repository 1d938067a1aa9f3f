// Fails unless the server at MONGODB_URI answers.
new Mongo(process.env.MONGODB_URI).getDB('admin').runCommand({ ping: 1 });
