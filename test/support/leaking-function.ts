/** Prints its caller's credential, whole and in part: what no function may do. */
export default {
  fetch: (request: Request) => {
    const credential = request.headers.get("authorization") ?? "";
    console.info(JSON.stringify({ event: "leak.planted", credential }));
    console.info(JSON.stringify({ event: "leak.planted", credential: credential.slice(-38) }));
    return new Response();
  },
};
