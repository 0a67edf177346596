// The official Node SDK as the referee of the local sandbox: what the SDK does with the service, it must be able to do
// here. Start examples/sandbox, set the environment variables it prints, and then:
//
//	npm ci && npm test
//
// CLOUDCONVERT_API_KEY, CLOUDCONVERT_API_URL, CLOUDCONVERT_SYNC_URL, CLOUDCONVERT_EVENTS_URL, CLOUDCONVERT_SIGNED_URL_BASE
// and CLOUDCONVERT_SIGNED_URL_SECRET say where the sandbox is.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import CloudConvert from 'cloudconvert';
import {
  cloudConvert, createUploadJob, download, inlineJob, photo, photoPath, pictureSize, receive, refusal, taskOf, uniqueTag
} from './support.mjs';

const unknownID = '00000000-0000-4000-8000-000000000000';

describe('account', () => {
  test('users/me', async () => {
    const user = await cloudConvert.users.me();
    assert.ok(user.id);
    assert.equal(typeof user.username, 'string');
    assert.match(user.email, /@/);
    assert.equal(typeof user.credits, 'number');
    assert.ok(Date.parse(user.created_at));
  });

  test('an unknown key is refused', async () => {
    const { text, status, body } = await refusal(new CloudConvert('invalid-key').users.me());
    assert.equal(text, 'Unauthorized');
    assert.equal(status, 401);
    assert.deepEqual(body, { message: 'Unauthenticated.', code: 'UNAUTHENTICATED' });
  });

  for (const [name, sandbox, region] of [['sandbox', true, null], ['region', false, 'eu-central']]) {
    test(`the hosts of a ${name}`, async () => {
      const other = new CloudConvert(process.env.CLOUDCONVERT_API_KEY, sandbox, region);
      const { id } = await other.jobs.create(inlineJob(name));
      assert.equal((await other.jobs.wait(id)).status, 'finished');
    });
  }
});

describe('uploads come back byte for byte', () => {
  const sources = {
    'a buffer': [photo, 'photo.png'],
    'a blob': [new Blob([photo]), 'photo.png'],
    'a file stream': [createReadStream(photoPath)],
    'a stream of known size': [Readable.from([photo.subarray(0, 1000), photo.subarray(1000)]), 'photo.png', photo.length],
    'an empty buffer': [Buffer.alloc(0), 'empty.txt']
  };
  for (const [name, [data, filename, size]] of Object.entries(sources)) {
    test(name, async () => {
      const job = await createUploadJob();
      await cloudConvert.tasks.upload(taskOf(job, 'in'), data, filename, size);
      const { file, response, content } = await download(await cloudConvert.jobs.wait(job.id));
      const expected = filename === 'empty.txt' ? Buffer.alloc(0) : photo;
      assert.equal(file.filename, filename ?? 'photo.png');
      assert.equal(file.size, expected.length);
      assert.equal(response.headers.get('content-length'), String(expected.length));
      assert.ok(content.equals(expected));
    });
  }

  test('a name with spaces and letters beyond ASCII', async () => {
    const name = 'Übersicht für Büro 2026 – 東京 (1).png';
    const job = await createUploadJob();
    await cloudConvert.tasks.upload(taskOf(job, 'in'), photo, name);
    const ended = await cloudConvert.jobs.wait(job.id);
    assert.equal(taskOf(ended, 'in').result.files[0].filename, name);
    const { file, content } = await download(ended);
    assert.equal(file.filename, name);
    assert.ok(content.equals(photo));
  });

  test('a task outside of jobs', async () => {
    const imported = await cloudConvert.tasks.create('import/upload', {});
    await cloudConvert.tasks.upload(imported, photo, 'photo.png');
    const exported = await cloudConvert.tasks.create('export/url', { input: imported.id });
    const ended = await cloudConvert.tasks.wait(exported.id);
    assert.equal(ended.status, 'finished');
    const response = await fetch(ended.result.files[0].url);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(photo));
  });

  test('the API key sent to storage is refused', async () => {
    const { result: { form } } = taskOf(await createUploadJob(), 'in');
    const body = new FormData();
    Object.entries(form.parameters).forEach(([name, value]) => body.append(name, value));
    body.append('file', new Blob([photo]), 'photo.png');
    const headers = { Authorization: `Bearer ${process.env.CLOUDCONVERT_API_KEY}` };
    const response = await fetch(form.url, { method: 'POST', headers, body });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /<Code>InvalidArgument<\/Code>/);
  });
});

describe('jobs', () => {
  test('create, convert, wait, get', async () => {
    const tag = uniqueTag();
    const job = await createUploadJob({ jpg: { operation: 'convert', output_format: 'jpg', input: 'in' } }, tag);
    assert.equal(job.tag, tag);
    assert.ok(['waiting', 'processing'].includes(job.status));
    const waiting = cloudConvert.jobs.wait(job.id); // before there is anything to work on
    await cloudConvert.tasks.upload(taskOf(job, 'in'), photo, 'photo.png');
    const ended = await waiting;
    assert.equal(ended.id, job.id);
    assert.equal(ended.status, 'finished');
    assert.ok(Date.parse(ended.ended_at) >= Date.parse(ended.created_at));
    const { file, response, content } = await download(ended);
    assert.equal(file.filename, 'photo.jpg');
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.deepEqual(pictureSize(content), pictureSize(photo));
    assert.deepEqual(await cloudConvert.jobs.get(job.id), ended);
  });

  test('list by tag, page by page', async () => {
    const tag = uniqueTag();
    const ids = [];
    for (const text of ['one', 'two', 'three']) {
      const { id } = await cloudConvert.jobs.create(inlineJob(text, tag));
      await cloudConvert.jobs.wait(id);
      ids.unshift(id); // the newest is the first of a list
    }
    const found = [];
    for (const page of [1, 2, 3]) {
      found.push(...await cloudConvert.jobs.all({ 'filter[tag]': tag, 'filter[status]': 'finished', per_page: 1, page }));
    }
    assert.deepEqual(found.map(job => job.id), ids);
    assert.ok(found.every(job => !('tasks' in job)));
    const [full] = await cloudConvert.jobs.all({ 'filter[tag]': tag, include: 'tasks' });
    assert.deepEqual(full.tasks.map(task => task.name).sort(), ['in', 'out']);
    assert.deepEqual(await cloudConvert.jobs.all({ 'filter[tag]': tag, page: 4 }), []);
  });

  test('delete', async () => {
    const { id } = await cloudConvert.jobs.create(inlineJob('to be deleted'));
    const ended = await cloudConvert.jobs.wait(id);
    assert.equal(await cloudConvert.jobs.delete(id), undefined);
    assert.equal((await refusal(cloudConvert.jobs.get(id))).status, 404);
    assert.equal((await refusal(cloudConvert.tasks.get(ended.tasks[0].id))).status, 404);
    const [file] = cloudConvert.jobs.getExportUrls(ended);
    assert.equal((await fetch(file.url)).ok, false);
  });

  test('a job that fails', async () => {
    const job = await createUploadJob({ jpg: { operation: 'convert', output_format: 'jpg', input: 'in' } });
    await cloudConvert.tasks.upload(taskOf(job, 'in'), Buffer.from('this is no picture'), 'broken.png');
    const ended = await cloudConvert.jobs.wait(job.id);
    assert.equal(ended.status, 'error');
    assert.equal(taskOf(ended, 'in').status, 'finished');
    assert.equal(taskOf(ended, 'jpg').status, 'error');
    assert.ok(taskOf(ended, 'jpg').message);
    assert.equal(taskOf(ended, 'out').code, 'INPUT_TASK_FAILED');
    assert.deepEqual(cloudConvert.jobs.getExportUrls(ended), []);
  });

  test('a wrong request is refused', async () => {
    const { status, body } = await refusal(cloudConvert.jobs.create({ tasks: {} }));
    assert.equal(status, 422);
    assert.equal(body.code, 'INVALID_DATA');
    assert.deepEqual(body.errors, { tasks: ['The tasks field is required.'] });
  });

  test('an unknown job', async () => {
    for (const call of ['get', 'wait', 'delete']) {
      assert.equal((await refusal(cloudConvert.jobs[call](unknownID))).status, 404, call);
    }
  });
});

describe('tasks', () => {
  test('waiting at first, then only the four states', async () => {
    const job = await createUploadJob({ jpg: { operation: 'convert', output_format: 'jpg', input: 'in' } });
    assert.deepEqual(job.tasks.map(task => task.status), ['waiting', 'waiting', 'waiting']);
    const upload = taskOf(job, 'in');
    assert.deepEqual((await cloudConvert.tasks.get(upload.id)).result.form, upload.result.form);
    await cloudConvert.tasks.upload(upload, photo, 'photo.png');
    const { id } = taskOf(job, 'out');
    for (let status = 'waiting'; status !== 'finished'; { status } = await cloudConvert.tasks.get(id)) {
      assert.ok(['waiting', 'processing'].includes(status), status);
    }
  });

  test('list and include', async () => {
    const job = await createUploadJob();
    await cloudConvert.tasks.upload(taskOf(job, 'in'), photo, 'photo.png');
    await cloudConvert.jobs.wait(job.id);
    const tasks = await cloudConvert.tasks.all({ 'filter[job_id]': job.id, 'filter[status]': 'finished' });
    assert.deepEqual(tasks.map(task => task.operation).sort(), ['export/url', 'import/upload']);
    const [only] = await cloudConvert.tasks.all({ 'filter[job_id]': job.id, 'filter[operation]': 'export/url' });
    const exported = await cloudConvert.tasks.get(only.id, { include: 'payload,depends_on_tasks,job,retries' });
    assert.equal(exported.payload.operation, 'export/url');
    assert.deepEqual(exported.depends_on_task_ids, [taskOf(job, 'in').id]);
    assert.equal(exported.job.id, job.id);
    assert.ok(exported.depends_on_tasks);
    assert.deepEqual(exported.retries, []);
  });

  test('cancel', async () => {
    const job = await createUploadJob();
    const { id } = taskOf(job, 'in');
    assert.equal((await cloudConvert.tasks.cancel(id)).id, id);
    const ended = await cloudConvert.jobs.wait(job.id);
    assert.deepEqual(ended.tasks.map(task => task.status), ['error', 'error']);
    assert.equal((await refusal(cloudConvert.tasks.cancel(id))).body.code, 'INVALID_DATA');
  });

  test('delete', async () => {
    const { id } = await cloudConvert.tasks.create('import/raw', { file: 'text', filename: 'note.txt' });
    assert.equal((await cloudConvert.tasks.wait(id)).status, 'finished');
    assert.equal(await cloudConvert.tasks.delete(id), undefined);
    assert.equal((await refusal(cloudConvert.tasks.get(id))).status, 404);
  });
});

describe('webhooks', () => {
  test('a signed delivery', async t => {
    const receiver = await receive(t);
    const tag = uniqueTag();
    const webhook = await cloudConvert.call('POST', 'webhooks', { url: receiver.url, events: ['job.finished'] });
    t.after(() => cloudConvert.call('DELETE', `webhooks/${webhook.id}`));
    const [listed] = await cloudConvert.call('GET', 'users/me/webhooks', { 'filter[url]': receiver.url });
    assert.equal(listed.signing_secret, webhook.signing_secret);
    await cloudConvert.jobs.create(inlineJob('straße/öffnen', tag));
    const { headers, body, event } = await deliveryOf(receiver, tag);
    const signature = headers['cloudconvert-signature'];
    assert.equal(event.event, 'job.finished');
    assert.equal(event.job.status, 'finished');
    assert.deepEqual(event.job.tasks.map(task => task.name).sort(), ['in', 'out']);
    assert.equal(cloudConvert.webhooks.verify(body, signature, webhook.signing_secret), true);
    assert.equal(cloudConvert.webhooks.verify(`${body} `, signature, webhook.signing_secret), false);
    assert.equal(cloudConvert.webhooks.verify(body, signature, 'another secret'), false);
  });

  test('the webhook of a single job', async t => {
    const receiver = await receive(t);
    const job = await cloudConvert.jobs.create({ ...inlineJob('text'), webhook_url: receiver.url });
    const { event } = await receiver.next();
    assert.equal(event.event, 'job.finished');
    assert.equal(event.job.id, job.id);
  });

  // deliveryOf skips what other tests cause: a webhook is for all jobs of the account.
  async function deliveryOf(receiver, tag) {
    for (;;) {
      const delivery = await receiver.next();
      if (delivery.event.job.tag === tag) {
        return delivery;
      }
    }
  }
});

describe('events', () => {
  for (const sandbox of [false, true]) {
    test(`of a job, its tasks and a task, at the socket of the ${sandbox ? 'sandbox' : 'service'}`, async t => {
      const listener = new CloudConvert(process.env.CLOUDCONVERT_API_KEY, sandbox);
      t.after(() => listener.closeSocket());
      const job = await createUploadJob();
      const heard = [];
      const hear = name => event => heard.push([name, event]);
      const ended = new Promise(resolve => listener.jobs.subscribeEvent(job.id, 'finished', resolve));
      for (const event of ['updated', 'finished']) {
        listener.jobs.subscribeTaskEvent(job.id, event, hear(event));
      }
      const received = new Promise(resolve => listener.tasks.subscribeEvent(taskOf(job, 'in').id, 'finished', resolve));
      listener.jobs.subscribeEvent(job.id, 'failed', hear('failed'));
      await connected(listener.socket);

      await cloudConvert.tasks.upload(taskOf(job, 'in'), photo, 'photo.png');
      const { job: told } = await ended;
      assert.deepEqual(told, await cloudConvert.jobs.get(job.id));
      assert.equal((await received).task.name, 'in');
      assert.deepEqual(heard.map(([name, { task }]) => `${name} ${task.name} ${task.status}`), [
        'updated in processing', 'finished in finished', 'updated out processing', 'finished out finished'
      ]);
    });
  }

  test('of a short job that has just been created', async t => {
    const listener = new CloudConvert(process.env.CLOUDCONVERT_API_KEY);
    t.after(() => listener.closeSocket());
    const job = await cloudConvert.jobs.create(inlineJob('short'));
    const { job: told } = await new Promise(resolve => listener.jobs.subscribeEvent(job.id, 'finished', resolve));
    assert.equal(told.id, job.id);
    assert.equal(told.status, 'finished');
  });

  // Events are not repeated, with the service neither. A program that subscribes late has to read the job.
  test('of a job that has ended: none, and no error', async t => {
    const listener = new CloudConvert(process.env.CLOUDCONVERT_API_KEY);
    t.after(() => listener.closeSocket());
    const { id } = await cloudConvert.jobs.create(inlineJob('ended'));
    await cloudConvert.jobs.wait(id);
    listener.jobs.subscribeEvent(id, 'finished', () => assert.fail('the event was sent before'));
    listener.socket.on('subscription_error', () => assert.fail('the job may be subscribed to'));
    assert.equal((await listener.jobs.wait(id)).status, 'finished');
    const next = await createUploadJob();
    const heard = new Promise(resolve => listener.jobs.subscribeEvent(next.id, 'finished', resolve));
    await connected(listener.socket);
    await cloudConvert.tasks.upload(taskOf(next, 'in'), photo, 'photo.png');
    assert.equal((await heard).job.id, next.id);
  });

  test('a key that is refused is told so', async t => {
    const job = await createUploadJob();
    const stranger = new CloudConvert('invalid-key');
    t.after(() => stranger.closeSocket());
    stranger.jobs.subscribeEvent(job.id, 'finished', () => assert.fail('it is not to hear anything'));
    const refused = new Promise(resolve => stranger.socket.on('subscription_error', (...args) => resolve(args)));
    assert.deepEqual(await refused, [`private-job.${job.id}`, 401]);
  });

  // connected waits until a socket has joined its channels. Nobody tells when that is.
  async function connected(socket) {
    if (!socket.connected) {
      await once(socket, 'connect');
    }
    await setTimeout(500);
  }
});

describe('signed URLs', () => {
  const sign = (job, cacheKey) => cloudConvert.signedUrls.sign(
    process.env.CLOUDCONVERT_SIGNED_URL_BASE, process.env.CLOUDCONVERT_SIGNED_URL_SECRET, job, cacheKey);
  const visit = url => fetch(url, { redirect: 'manual' });
  const jobsOf = tag => cloudConvert.jobs.all({ 'filter[tag]': tag });

  test('lead to the exported file', async () => {
    const job = inlineJob('from a signed URL');
    const response = await visit(sign(job));
    assert.equal(response.status, 302);
    assert.equal(await (await fetch(response.headers.get('location'))).text(), 'from a signed URL');
    assert.equal((await jobsOf(job.tag)).length, 1);
  });

  test('convert an image', async () => {
    const job = {
      tag: uniqueTag(),
      tasks: {
        in: { operation: 'import/base64', file: photo.toString('base64'), filename: 'photo.png' },
        jpg: { operation: 'convert', input: 'in', output_format: 'jpg' },
        out: { operation: 'export/url', input: 'jpg' }
      }
    };
    const response = await fetch(sign(job));
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.deepEqual(pictureSize(Buffer.from(await response.arrayBuffer())), pictureSize(photo));
  });

  test('may hold any base64 letter, also where the SDK leaves it as it is', async () => {
    const text = '>>>???~~~>>>???~~~ >>>???~~~'; // all three alignments
    const url = sign(inlineJob(text));
    assert.match(url, /job=[^&]*[+/]/);
    assert.equal(await (await fetch(url)).text(), text);
  });

  test('run once under one cache key, and each time without', async () => {
    const [cached, free] = [inlineJob('cached'), inlineJob('free')];
    for (let i = 0; i < 2; i++) {
      assert.equal((await visit(sign(cached, 'a-cache_key'))).status, 302);
      assert.equal((await visit(sign(free))).status, 302);
    }
    assert.equal((await jobsOf(cached.tag)).length, 1);
    assert.equal((await jobsOf(free.tag)).length, 2);
  });

  test('are refused when they were changed', async () => {
    const job = inlineJob('changed');
    const response = await visit(sign(job).replace(/.$/, last => last === '0' ? '1' : '0'));
    assert.ok(response.status >= 400 && response.status < 500);
    assert.deepEqual(await jobsOf(job.tag), []);
  });
});
