// Every operation that the Node SDK types, with all parameters of its type, finishes in the sandbox and leaves valid
// files: with the engines that are installed, and with stand-ins where none is.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import { assertFile, cloudConvert, download, photo, taskOf } from './support.mjs';

// site serves what tasks fetch: a page, and a photo only with a header.
const site = createServer((request, response) => {
  if (request.url.startsWith('/page.html')) {
    response.setHeader('Content-Type', 'text/html');
    return response.end('<!doctype html><title>Page</title><h1>Page</h1>');
  }
  response.statusCode = request.headers['x-ticket'] === '7' ? 200 : 403;
  response.end(photo);
});
site.listen(0, '127.0.0.1');
await once(site, 'listening');
after(() => {
  site.close();
  site.closeAllConnections();
});
const siteURL = `http://127.0.0.1:${site.address().port}`;

// sources are the tasks that other tasks may name as their input.
const sources = {
  photo: { operation: 'import/base64', file: photo.toString('base64'), filename: 'photo.png' },
  logo: { operation: 'import/base64', file: photo.toString('base64'), filename: 'logo.png' },
  pdf: { operation: 'convert', input: 'photo', output_format: 'pdf' }
};

// engine returns the default engine of the catalog for a task, with its newest version.
async function engine(operation, inputFormat, outputFormat) {
  const query = { 'filter[operation]': operation, include: 'engine_versions' };
  const entries = await cloudConvert.call('GET', 'operations', query);
  const found = entries.find(entry => (entry.input_format ?? inputFormat) === inputFormat &&
    (entry.output_format ?? outputFormat) === outputFormat) ?? entries[0];
  return { engine: found?.engine, engine_version: found?.engine_versions.at(-1)?.version };
}

const common = { timeout: 100 };

// processing are the tasks that process files: the operation, its parameters, and the type of the result.
const processing = [
  ['convert', {
    input: ['photo'], input_format: 'png', output_format: 'jpg', filename: 'converted.jpg', quality: 80, ...common,
    ...await engine('convert', 'png', 'jpg')
  }],
  ['optimize', {
    input: 'photo', input_format: 'png', filename: 'optimized.png', quality: 70, ...common,
    ...await engine('optimize', 'png')
  }],
  ['optimize', { input: 'pdf', profile: 'web', filename: 'optimized.pdf' }],
  ['watermark', {
    input: 'pdf', input_format: 'pdf', pages: '1', layer: 'above', text: 'Draft', font_size: 20, font_width_percent: 50,
    font_color: '#ff0000', font_name: 'Helvetica', font_align: 'center', position_vertical: 'top',
    position_horizontal: 'left', margin_vertical: 5, margin_horizontal: 5, opacity: 50, rotation: 45,
    filename: 'marked.pdf', ...common, ...await engine('watermark', 'pdf')
  }],
  ['watermark', {
    input: 'photo', image: 'logo', image_width: 40, image_height: 30, image_width_percent: 10, filename: 'marked.png'
  }],
  ['capture-website', {
    url: `${siteURL}/page.html`, output_format: 'pdf', filename: 'page.pdf', pages: '1', zoom: 1, page_width: 20,
    page_height: 30, margin_top: 10, margin_bottom: 10, margin_left: 10, margin_right: 10, print_background: true,
    display_header_footer: true, header_template: '<b>top</b>', footer_template: '<b>bottom</b>', wait_until: 'load',
    wait_for_element: 'h1', wait_time: 10, headers: { 'X-Ticket': '7' }, ...common,
    ...await engine('capture-website', undefined, 'pdf')
  }],
  ['capture-website', { url: `${siteURL}/page.html`, output_format: 'png', filename: 'page.png' }],
  ['thumbnail', {
    input: 'photo', input_format: 'png', output_format: 'png', width: 40, height: 30, fit: 'crop', count: 1,
    timestamp: '00:00:01', filename: 'small.png', ...common, ...await engine('thumbnail', 'png', 'png')
  }],
  ['thumbnail', { input: 'photo', output_format: 'webp', width: 40, filename: 'small.webp' }],
  ['merge', {
    input: ['pdf', 'photo'], output_format: 'pdf', filename: 'merged.pdf', ...common,
    ...await engine('merge', undefined, 'pdf')
  }],
  ['archive', {
    input: ['photo', 'pdf'], output_format: 'zip', filename: 'all.zip', ...common,
    ...await engine('archive', undefined, 'zip')
  }],
  ['archive', { input: 'photo', output_format: '7z', filename: 'all.7z' }],
  ['metadata', { input: 'photo', input_format: 'png', ...common, ...await engine('metadata', 'png') }],
  ['metadata/write', {
    input: 'photo', input_format: 'png', metadata: { Title: 'Sunset', Rating: 5 }, filename: 'titled.png', ...common,
    ...await engine('metadata/write', 'png')
  }],
  ['command', {
    input: 'photo', engine: 'ffmpeg', engine_version: '4.1.1', command: 'ffmpeg', ...common,
    arguments: '-i /input/photo/photo.png /output/photo.jpg'
  }],
  ['command', { input: 'photo', engine: 'ffmpeg', command: 'ffprobe', arguments: '/input/photo/photo.png', capture_output: true }],
  ['command', { input: 'photo', engine: 'graphicsmagick', command: 'gm', arguments: 'convert /input/photo/photo.png /output/photo.jpg' }],
  ['command', { input: 'photo', engine: 'imagemagick', command: 'convert', arguments: '/input/photo/photo.png /output/photo.jpg' }],
  ['command', { input: 'photo', engine: 'imagemagick', command: 'identify', arguments: '/input/photo/photo.png', capture_output: true }]
];

const imports = [
  ['import/url', { url: `${siteURL}/photo.png`, filename: 'fetched.png', headers: { 'X-Ticket': '7' } }],
  ['import/base64', { file: photo.toString('base64'), filename: 'photo.png' }],
  ['import/raw', { file: 'text', filename: 'note.txt' }]
];

// stores are the storage services: the parameters of both directions, those of exports, and the parameters that
// name an object and a prefix of objects.
const stores = {
  s3: {
    account: {
      bucket: 'photos', region: 'eu-central-1', endpoint: 'https://s3.example.com', access_key_id: 'id',
      secret_access_key: 'secret', session_token: 'token'
    },
    exporting: {
      acl: 'private', cache_control: 'no-store', metadata: { album: 'a' }, server_side_encryption: 'AES256', tagging: { a: 'b' }
    },
    names: ['key', 'key_prefix']
  },
  'azure/blob': {
    account: { storage_account: 'photos', container: 'photos' },
    credentials: [{ storage_access_key: 'secret' }, { sas_token: 'secret' }],
    names: ['blob', 'blob_prefix']
  },
  'google-cloud-storage': {
    account: { project_id: 'photos', bucket: 'photos', client_email: 'a@example.com', private_key: 'secret' },
    names: ['file', 'file_prefix']
  },
  openstack: {
    account: { auth_url: 'https://example.com/v3', username: 'a', password: 'secret', region: 'r', container: 'photos' },
    names: ['file', 'file_prefix']
  },
  sftp: {
    account: { host: 'sftp.example.com', port: 2222, username: 'a' },
    credentials: [{ password: 'secret' }, { private_key: 'secret' }],
    names: ['file', 'path']
  }
};

// transfers are exports to storage services, each with the import of what it has exported.
const transfers = Object.entries(stores).flatMap(([store, { account, exporting, credentials = [{}, {}], names }]) => [
  [store, { ...account, ...credentials[0], ...exporting, [names[0]]: 'a/photo.png' },
    { ...account, ...credentials[0], [names[0]]: 'a/photo.png', filename: 'again.png' }],
  [store, { ...account, ...credentials[1], ...exporting, [names[1]]: 'b/' }, { ...account, ...credentials[1], [names[1]]: 'b/' }]
]);

// used are the operations of this file and of referee.mjs, with the parameters they are called with.
const used = new Map([['import/upload', new Set(['redirect'])], ['export/url', new Set(['input', 'inline', 'archive_multiple_files'])]]);
for (const [operation, data] of [
  ...processing, ...imports,
  ...transfers.map(([store, data]) => [`export/${store}`, { input: 'photo', ...data }]),
  ...transfers.map(([store, , data]) => [`import/${store}`, data])
]) {
  used.set(operation, new Set([...used.get(operation) ?? [], ...Object.keys(data)]));
}

test('all operations and parameters that the SDK types are used', () => {
  const typed = new Map(typedOperations());
  assert.deepEqual([...typed.keys()].filter(operation => !used.has(operation)), []);
  for (const [operation, parameters] of typed) {
    assert.deepEqual(parameters.filter(name => !used.get(operation).has(name)), [], operation);
  }
});

// typedOperations returns the operations in the types of the SDK, with the names of their parameters.
function typedOperations() {
  const types = readFileSync(new URL('./node_modules/cloudconvert/built/lib/TasksResource.d.ts', import.meta.url), 'utf8');
  const interfaces = new Map([...types.matchAll(/interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\}/gs)]
    .map(([, name, base, body]) => [name, { base, body }]));
  const parametersOf = name => {
    const union = types.match(new RegExp(`type ${name} = ([\\w |]+);`));
    if (union) {
      return union[1].split(' | ').flatMap(parametersOf);
    }
    const { base, body } = interfaces.get(name);
    return [...body.matchAll(/^ {4}(\w+)\??:/gm)].map(found => found[1]).concat(base ? parametersOf(base) : []);
  };
  return [...interfaces.values()].flatMap(({ body }) => {
    const [, operation, data] = body.match(/operation: '([^']+)';\n\s*data: (\w+);/) ?? [];
    return operation ? [[operation, parametersOf(data)]] : [];
  });
}

// finished waits for a job that must finish.
async function finished(tasks) {
  const job = await cloudConvert.jobs.wait((await cloudConvert.jobs.create({ tasks })).id);
  assert.deepEqual(job.tasks.filter(task => task.status !== 'finished').map(({ name, code, message }) => ({ name, code, message })), []);
  return job;
}

// needed returns the sources that a task names, and those that they name.
function needed(data) {
  const names = [data.input ?? [], data.image ?? []].flat();
  return names.reduce((tasks, name) => ({ ...needed(sources[name]), [name]: sources[name], ...tasks }), {});
}

describe('operations in a job', { concurrency: 4 }, () => {
  for (const [operation, data] of [...imports, ...processing]) {
    const subject = data.command ?? data.filename ?? '';
    test(`${operation} ${subject}`, async () => {
      const exported = operation !== 'metadata' && !data.capture_output && { out: { operation: 'export/url', input: 'task' } };
      const job = await finished({ ...needed(data), task: { operation, ...data }, ...exported });
      const { result } = taskOf(job, 'task');
      if (operation === 'metadata') {
        assert.ok(Object.keys(result.metadata).length > 0);
      } else if (data.capture_output) {
        assert.ok(result.output.length > 0);
      } else {
        const { file, content } = await download(job);
        assert.equal(file.filename, data.filename ?? 'photo.jpg');
        assertFile(file.filename, content);
      }
    });
  }
});

describe('operations as single tasks', { concurrency: 4 }, () => {
  const run = async (operation, data) => {
    const { id } = await cloudConvert.tasks.create(operation, data);
    const task = await cloudConvert.tasks.wait(id);
    assert.equal(task.status, 'finished', `${operation}: ${task.code} ${task.message}`);
    return task;
  };
  for (const operation of new Set(processing.map(([name]) => name).filter(name => name !== 'command'))) {
    test(operation, async () => {
      const ids = {};
      const { input, ...data } = processing.find(([name]) => name === operation)[1];
      for (const [name, { operation: source, ...parameters }] of Object.entries(needed({ input }))) {
        ids[name] = (await run(source, parameters.input ? { ...parameters, input: ids[parameters.input] } : parameters)).id;
      }
      const task = await run(operation, input ? { ...data, input: [input].flat().map(name => ids[name]) } : data);
      if (operation === 'metadata') {
        return;
      }
      const { result: { files: [file] } } = await run('export/url', { input: task.id });
      assertFile(file.filename, Buffer.from(await (await fetch(file.url)).arrayBuffer()));
    });
  }
});

describe('storage services', { concurrency: 4 }, () => {
  for (const [store, exporting, importing] of transfers) {
    test(`${store} ${Object.keys(exporting).at(-1)}`, async () => {
      await finished({ photo: sources.photo, task: { operation: `export/${store}`, input: 'photo', ...exporting } });
      const job = await finished({ task: { operation: `import/${store}`, ...importing }, out: { operation: 'export/url', input: 'task' } });
      const { file, content } = await download(job);
      assertFile(file.filename, content);
    });
  }
});

describe('uploads and exports', () => {
  test('import/upload with a redirect', async () => {
    const redirect = `${siteURL}/page.html`;
    const task = await cloudConvert.tasks.create('import/upload', { redirect });
    await cloudConvert.tasks.upload(task, photo, 'photo.png');
    assert.equal((await cloudConvert.tasks.wait(task.id)).status, 'finished');
  });

  test('export/url of several files as one archive, inline', async () => {
    const job = await finished({
      photo: sources.photo, logo: sources.logo,
      out: { operation: 'export/url', input: ['photo', 'logo'], inline: true, archive_multiple_files: true }
    });
    const { response, file, content } = await download(job);
    assert.match(response.headers.get('content-disposition'), /^inline/);
    assertFile(file.filename, content);
    assert.match(file.filename, /\.zip$/);
  });
});
