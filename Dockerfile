# Build: the same publish as `make publish`.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY global.json .editorconfig BannedSymbols.txt Directory.Build.props Directory.Packages.props ./
COPY src src
COPY charts/registry charts/registry
RUN dotnet publish src/Cli/Cli.csproj --configuration Release --runtime linux-x64 -p:Ship=true --output /publish

# Run: no shell, no package manager, no root. The program brings its runtime; the image brings libc, OpenSSL and CA certificates.
FROM mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled
COPY --from=build /publish/capi-registry-hook /capi-registry-hook
USER 65532:65532
EXPOSE 9443 8080
ENTRYPOINT ["/capi-registry-hook"]
CMD ["serve"]
