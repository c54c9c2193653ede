# escape=`
FROM scratch
COPY a `
 b /c
MAINTAINER somebody
