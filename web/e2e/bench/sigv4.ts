// A presigned PUT made by hand (AWS Signature Version 4, query parameters), for the peer that knows nothing of us.

import { createHash, createHmac } from 'node:crypto';

export interface Keys {
  readonly access_key: string;
  readonly secret_key: string;
}

const REGION = 'us-east-1';
const LIFE_S = 3_600;

/** The address of a PUT to this place; only the host is signed beside it. */
export function presignedPut(place: URL, { access_key, secret_key }: Keys, at: Date): string {
  const time = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${access_key}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(LIFE_S),
    'X-Amz-SignedHeaders': 'host',
  });
  query.sort();
  const asked = ['PUT', place.pathname, query.toString(), `host:${place.host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const hash = createHash('sha256').update(asked).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = [time.slice(0, 8), REGION, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret_key}`);
  query.set('X-Amz-Signature', createHmac('sha256', key).update(['AWS4-HMAC-SHA256', time, scope, hash].join('\n')).digest('hex'));
  return `${place.origin}${place.pathname}?${query.toString()}`;
}
