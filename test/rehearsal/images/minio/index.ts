import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { carvedRoot } from '../../rootfs';
import { goPrograms } from '../go';

const part = (name: string) => readFileSync(join(__dirname, name), 'utf8');

/** A directory with the static programs `minio`, a server of S3's protocol, and `account`, which makes its users. */
export async function minioPrograms(): Promise<string> {
  return carvedRoot('minio', {
    from: goPrograms(part('build.sh'), { ACCOUNT: part('account.go') }),
    files: { '/opt/programs/minio': '/minio', '/opt/programs/account': '/account' },
  });
}
