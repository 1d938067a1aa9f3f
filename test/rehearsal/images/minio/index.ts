import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goBinaries } from '../go-binaries';

const part = (name: string) => readFileSync(join(__dirname, name), 'utf8');

/** A directory with the static programs `minio`, a server of S3's protocol, and `account`, which makes its users. */
export function minioPrograms(): Promise<string> {
  return goBinaries({ name: 'minio', build: part('build.sh'), files: { 'account.go': part('account.go') } });
}
