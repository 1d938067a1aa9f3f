import { createHash, randomBytes } from 'node:crypto';
import { Size } from 'cdk8s';
import { Engine } from '../../../lib';
import { describeFaults } from '../support/engine-faults';
import { imageNamed } from '../support/images';
import { ACCOUNT, OpenldapServer, openldapImages, PORT, SUFFIX } from '../support/openldap-server';

const IMAGE = 'registry.example/openldap:2.5.13';
// An account that a server without an entry knows, too.
const ACCOUNT_DN = 'cn=config';

/** Makes each search in the data wait. */
const sleep = (seconds: number) =>
  `dn: olcOverlay={3}retcode,olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcRetcodeSleep\nolcRetcodeSleep: ${seconds}\n`;
const RETCODE = `dn: olcOverlay=retcode,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcRetcodeConfig
olcOverlay: retcode
olcRetcodeParent: cn=codes,${SUFFIX}
olcRetcodeSleep: 0
`;

describeFaults({
  name: 'OpenLDAP 2.5',
  engine: Engine.openldap({ image: IMAGE, imageUser: 999, mounts: { '/srv': '' }, configDirectory: '/srv/slapd.d' }),
  images: openldapImages,
  port: PORT,
  dataVolume: 'restore',
  start: async ({ images, dataVolume }) => {
    const image = imageNamed(images, IMAGE);
    const server = await OpenldapServer.start(image, dataVolume, ACCOUNT_DN);
    const empty = await OpenldapServer.start(image, undefined, ACCOUNT_DN);
    server.configure(RETCODE);
    const people = Array.from(
      { length: 400 },
      (_, i) => `dn: uid=${i},${SUFFIX}
objectClass: inetOrgPerson
uid: ${i}
cn: ${i}
sn: ${i}
jpegPhoto:: ${randomBytes(8000).toString('base64')}
`,
    );
    server.modify([ACCOUNT, ...people].join('\n'));
    return {
      address: server.address,
      emptyAddress: empty.address,
      credentials: { username: ACCOUNT_DN, password: 'config secret' },
      wrongCredentials: { username: ACCOUNT_DN, password: 'wrong' },
      kill: () => server.kill(),
      down: () => server.down(),
      up: () => server.up(),
      stop: async () => {
        await server.stop();
        await empty.stop();
      },
      // A server writes its contextCSN when it stops.
      checksum: () =>
        createHash('sha256')
          .update(server.stored(SUFFIX).replace(/^contextCSN: .*\n/m, ''))
          .digest('hex'),
      change: () => server.modify(`dn: uid=7,${SUFFIX}\nchangetype: modify\nreplace: sn\nsn: since\n`),
      hold: () => {
        server.configure(sleep(20));
        return () => server.configure(sleep(0));
      },
    };
  },
  dumping: `-b ${SUFFIX} (objectClass=*)`,
  dumper: 'ldapsearch',
  restorer: 'slapadd',
  payload: 'data-1.ldif',
  tightScratch: Size.mebibytes(2),
  says: {
    wrongCredentials: /^the openldap server refuses this job, .*Invalid credentials \(49\)/,
    serverKilled: /^reading dc=example,dc=com failed: .*(Can't contact LDAP server|error \(80\))/,
    dumperKilled: /^reading dc=example,dc=com failed: .*killed by signal 9/,
    emptySource: /^the server holds no entry: an empty backup is rarely intended/,
    scratchFull: /^data-1\.ldif of \S+ cannot be fetched: .*No space left on device/,
    targetHoldsSomething: /^the data directory is not empty \(.*\): nothing was changed/,
    restorerKilled: /could not be loaded: .*killed by signal 9/,
  },
});
