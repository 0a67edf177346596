// The page works without this script. The script adds progress, and checks before an upload.

const $ = id => document.getElementById(id)
const form = $('form'), file = $('file'), format = $('format'), convert = $('convert')
const running = $('running'), cancel = $('cancel'), result = $('result')

const limit = Number(form.dataset.limit) // in MB
const pollInterval = 300 // milliseconds
const pollFailures = 5 // consecutive ones that end a wait

// A Failure has a message for the visitor: what failed, and what to do.
class Failure extends Error {}

const cancelled = 'The conversion was cancelled. To start over, press Convert.'

function unreachable() {
	return new Failure(navigator.onLine
		? 'This service cannot be reached. Try in a few minutes.'
		: 'You are offline. Connect to the internet, then press Convert.')
}

// setRunning enables what can be used while a conversion runs, or while none does.
function setRunning(on) {
	file.disabled = format.disabled = on
	convert.disabled = on || file.files.length === 0
	cancel.disabled = !on
	running.hidden = !on
}

// setStatus shows the phase of a conversion. Without a value the progress is unknown.
function setStatus(text, value) {
	if ($('status').textContent !== text) $('status').textContent = text // it is read out
	if (value === undefined) $('progress').removeAttribute('value')
	else $('progress').value = value
}

// run runs a conversion and shows its end. The steps end when the signal aborts.
async function run(steps) {
	const controller = new AbortController()
	running.onsubmit = event => {
		event.preventDefault()
		controller.abort()
	}
	$('error').textContent = ''
	result.hidden = true
	setRunning(true)
	cancel.focus()
	try {
		await steps(controller.signal)
		setRunning(false)
		$('download').focus()
	} catch (error) {
		if (!controller.signal.aborted && !(error instanceof Failure)) console.error(error)
		setStatus('')
		$('error').textContent = controller.signal.aborted ? cancelled
			: error instanceof Failure ? error.message : 'The page failed. Reload it.'
		setRunning(false)
		convert.disabled ? file.focus() : convert.focus()
	}
}

// check refuses a file that cannot be uploaded.
async function check(image) {
	if (image.size > limit * 2 ** 20) throw new Failure(`The image is larger than ${limit} MB. Choose a smaller one.`)
	const reader = image.stream().getReader()
	const { done } = await reader.read().catch(() => ({ done: true })) // the file may have been removed
	reader.cancel()
	if (done) throw new Failure('The file is empty or cannot be read. Choose another one.')
}

// upload posts the form and returns the job. Unlike fetch, XMLHttpRequest reports progress.
function upload(data, signal) {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest()
		request.open('POST', form.action)
		request.setRequestHeader('Accept', 'application/json')
		request.responseType = 'json'
		request.upload.onprogress = event => setStatus('Uploading the image', 100 * event.loaded / event.total)
		request.upload.onload = () => setStatus('Sending the image to the converter')
		request.onerror = () => reject(unreachable())
		request.onabort = () => reject(signal.reason)
		request.onload = () => {
			if (request.status === 200 && request.response) resolve(request.response)
			else reject(request.response?.message ? new Failure(request.response.message) : unreachable())
		}
		signal.onabort = () => request.abort()
		request.send(data)
	})
}

// get returns the response to a GET request.
async function get(url, signal) {
	let response
	try {
		response = await fetch(url, { headers: { Accept: 'application/json' }, signal })
	} catch (error) {
		throw signal.aborted ? error : unreachable()
	}
	if (!response.ok) {
		const { message } = await response.json().catch(() => ({}))
		throw message ? new Failure(message) : unreachable()
	}
	return response
}

// wait returns a job when it is finished. It deletes the job if it is cancelled.
async function wait(job, signal) {
	signal.onabort = () => fetch(job.url + '/cancel', { method: 'POST', keepalive: true }).catch(() => {})
	for (let failures = 0; job.status === 'converting';) {
		setStatus('Converting the image', job.percent ?? 0)
		await new Promise(resolve => setTimeout(resolve, pollInterval))
		signal.throwIfAborted()
		try {
			job = await (await get(job.url, signal)).json()
			failures = 0
		} catch (error) {
			if (signal.aborted || ++failures === pollFailures) throw error
		}
	}
	signal.onabort = null
	if (job.status !== 'finished') throw new Failure(job.message)
	return job
}

// download returns the content of the result.
async function download(job, signal) {
	setStatus('Downloading the image')
	const response = await get(job.url + '/result', signal)
	const total = Number(response.headers.get('Content-Length')) // 0 if it is unknown
	const reader = response.body.getReader()
	const chunks = []
	for (let loaded = 0; ;) {
		const { done, value } = await reader.read().catch(error => {
			throw signal.aborted ? error : unreachable()
		})
		if (done) break
		chunks.push(value)
		loaded += value.length
		setStatus('Downloading the image', total ? 100 * loaded / total : undefined)
	}
	return new Blob(chunks, { type: response.headers.get('Content-Type') })
}

async function finish(job, signal) {
	job = await wait(job, signal)
	const content = await download(job, signal)
	const link = $('download'), image = $('image')
	URL.revokeObjectURL(link.href)
	link.href = image.src = URL.createObjectURL(content)
	link.download = job.filename
	link.textContent = 'Download ' + job.filename
	image.hidden = await image.decode().then(() => false, () => true) // not every browser shows every format
	setStatus('The image is converted.')
	result.hidden = false
}

form.addEventListener('submit', event => {
	event.preventDefault()
	const data = new FormData(form) // before its fields are disabled
	run(async signal => {
		setStatus('Uploading the image', 0)
		await check(file.files[0])
		await finish(await upload(data, signal), signal)
	})
})

file.addEventListener('change', () => {
	$('error').textContent = ''
	setRunning(false)
})

$('update').remove()
if (running.hidden) setRunning(false)
else run(signal => finish({ url: running.dataset.url, status: 'converting' }, signal))
