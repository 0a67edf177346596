// What the tests of the referee share.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import CloudConvert from 'cloudconvert';

export const photoPath = fileURLToPath(new URL('../photo.png', import.meta.url));
export const photo = await readFile(photoPath);

export const cloudConvert = new CloudConvert(process.env.CLOUDCONVERT_API_KEY);

let jobs = 0;

// uniqueTag tells the jobs of this run from all others.
export function uniqueTag() {
  return `referee-${process.pid}-${++jobs}`;
}

// createUploadJob makes a job that exports what is uploaded to its task "in", after the further tasks.
export function createUploadJob(further = {}, tag = uniqueTag()) {
  const input = Object.keys(further).at(-1) ?? 'in';
  return cloudConvert.jobs.create({
    tag,
    tasks: { in: { operation: 'import/upload' }, ...further, out: { operation: 'export/url', input } }
  });
}

// inlineJob describes a job that exports a text it brings along.
export function inlineJob(text, tag = uniqueTag()) {
  return {
    tag,
    tasks: {
      in: { operation: 'import/raw', file: text, filename: 'note.txt' },
      out: { operation: 'export/url', input: 'in' }
    }
  };
}

export function taskOf(job, name) {
  return job.tasks.find(task => task.name === name);
}

// download fetches the only exported file of a job.
export async function download(job) {
  const files = cloudConvert.jobs.getExportUrls(job);
  if (files.length !== 1) {
    throw new Error(`expected one file, got ${JSON.stringify(files)}`);
  }
  const response = await fetch(files[0].url);
  return { file: files[0], response, content: Buffer.from(await response.arrayBuffer()) };
}

// refusal is how the SDK reports an answer that says no.
export async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return { text: error.message, status: error.cause.status, body: await error.cause.json() };
  }
  throw new Error('the call was not refused');
}

// pictureSize reads width and height of a PNG, or of a JPEG of the kind everybody writes.
export function pictureSize(content) {
  if (content.subarray(1, 4).toString() === 'PNG') {
    return [content.readUInt32BE(16), content.readUInt32BE(20)];
  }
  if (content.readUInt16BE(0) !== 0xffd8) {
    throw new Error('neither a PNG nor a JPEG');
  }
  for (let at = 2; at < content.length; at += 2 + content.readUInt16BE(at + 2)) {
    if ([0xffc0, 0xffc1, 0xffc2].includes(content.readUInt16BE(at))) {
      return [content.readUInt16BE(at + 7), content.readUInt16BE(at + 5)];
    }
  }
  throw new Error('the JPEG has no frame');
}

// receive starts a server for the deliveries of webhooks. It ends with the test t.
export async function receive(t) {
  const deliveries = [];
  const waiting = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.writeHead(204).end();
    const delivery = { headers: request.headers, body, event: JSON.parse(body) };
    const next = waiting.shift();
    next ? next(delivery) : deliveries.push(delivery);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    next: () => deliveries.shift() ?? new Promise(resolve => waiting.push(resolve))
  };
}

// assertFile checks that a file begins and ends as its extension promises.
export function assertFile(name, content) {
  const text = content.toString('latin1');
  const pattern = {
    '7z': /^7z\xbc\xaf\x27\x1c/,
    jpg: /^\xff\xd8\xff.*\xff\xd9$/s,
    pdf: /^%PDF-.*%%EOF\s*$/s,
    png: /^\x89PNG\r\n\x1a\n.*IEND.{4}$/s,
    txt: /^[^\0]+$/,
    webp: /^RIFF.{4}WEBPVP8/s,
    zip: /^PK\x03\x04.*PK\x05\x06/s
  }[name.split('.').at(-1)];
  assert.ok(pattern, `no pattern for ${name}`);
  assert.match(text, pattern, name);
}
