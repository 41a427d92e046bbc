"""The load of a web server: the server, its readers, and the apps that are compared, each a process."""
