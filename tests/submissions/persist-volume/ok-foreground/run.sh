docker run --rm --name counter -v mydata:/data counter
