# The query service and the events page, for who would rather run them as a server than as an Edge Function:
#   docker build -t audit-events . && docker run --env-file .env -p 8000:8000 audit-events
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# PostgreSQL and Deno come from npm for the local stack; the image needs neither, nor their install scripts.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build:web && node scripts/build-server.ts /out/api

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000
WORKDIR /app
COPY package.json ./
COPY --from=build /out/api api
COPY --from=build /src/web/dist web/dist
USER node
EXPOSE 8000
HEALTHCHECK CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The flags of scripts/stack/server-flags.ts: an export stays under 150 MB, whatever it holds.
CMD ["node", "--max-old-space-size=96", "--max-semi-space-size=2", "api/server.js"]
