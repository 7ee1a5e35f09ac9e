/** Carries one file to the server, with its progress; a browser's fetch cannot tell that. */

/** A file that did not arrive: `status` is 0 where no answer came, `detail` the server's sentence. */
export class UploadError extends Error {
  constructor(status, code = "", detail = "") {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  /** Whether the same file may arrive when it is sent again. */
  get mayPass() {
    return this.status === 0 || this.status >= 500 || this.code === "rate_limited";
  }
}

const parsed = (text) => {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
};

/**
 * Post a file as the form field "file"; `progress` hears the share that has left, 0 to 1.
 *
 * Returns {done, cancel}: `done` resolves to the attachment or rejects with an UploadError, after
 * `cancel` with status -1.
 */
export function postFile(url, file, { headers = {}, withCookies = false, progress }) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open("POST", url);
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    // Same origin: cookies go along unless nothing but the token shall count.
    request.withCredentials = withCookies;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(answer);
      else reject(new UploadError(request.status, answer.code, answer.detail));
    });
    request.addEventListener("error", () => reject(new UploadError(0)));
    request.addEventListener("timeout", () => reject(new UploadError(0)));
    request.addEventListener("abort", () => reject(new UploadError(-1)));
    const form = new FormData();
    form.append("file", file, file.name);
    request.send(form);
  });
  return { done, cancel: () => request.abort() };
}
