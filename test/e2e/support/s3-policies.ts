/** The policies of the documentation, for a bucket and a prefix in it. */

const policy = (...statements: { Action: string[]; Resource: string }[]) => ({
  Version: '2012-10-17',
  Statement: statements.map(statement => ({ Effect: 'Allow', ...statement })),
});

/** What backups, verifications and restores need where nothing may be deleted. */
export function backupPolicy(bucket: string, prefix: string): object {
  return policy(
    { Action: ['s3:ListBucket'], Resource: `arn:aws:s3:::${bucket}` },
    { Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::${bucket}/${prefix}/*` },
    { Action: ['s3:DeleteObject'], Resource: `arn:aws:s3:::${bucket}/${prefix}/locks/*` },
  );
}

/** What a restore `asOf` needs. */
export function restorePolicy(bucket: string, prefix: string): object {
  return policy(
    { Action: ['s3:ListBucket', 's3:ListBucketVersions'], Resource: `arn:aws:s3:::${bucket}` },
    { Action: ['s3:GetObject', 's3:GetObjectVersion'], Resource: `arn:aws:s3:::${bucket}/${prefix}/*` },
  );
}

/** More than a backup to a locked bucket needs: everything that is not about the lock itself. */
export function lockedPolicy(bucket: string, prefix: string): object {
  return policy(
    { Action: ['s3:ListBucket', 's3:ListBucketVersions'], Resource: `arn:aws:s3:::${bucket}` },
    {
      Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: `arn:aws:s3:::${bucket}/${prefix}/*`,
    },
  );
}
