package nginx

import (
	"fmt"
	"net/http"
)

// Server is what the gateway says in its Server header: what it stands in for, and that it only stands in.
const Server = "APISIX/3.18.0-standin"

var reasons = map[int]string{
	http.StatusBadRequest:          "400 Bad Request",
	http.StatusForbidden:           "403 Forbidden",
	http.StatusNotFound:            "404 Not Found",
	http.StatusMethodNotAllowed:    "405 Not Allowed",
	http.StatusInternalServerError: "500 Internal Server Error",
	http.StatusBadGateway:          "502 Bad Gateway",
	http.StatusServiceUnavailable:  "503 Service Temporarily Unavailable",
	http.StatusGatewayTimeout:      "504 Gateway Time-out",
}

// ErrorPage answers with the HTML page that APISIX has for the status.
func ErrorPage(w http.ResponseWriter, status int) {
	reason := reasons[status]
	if reason == "" {
		reason = fmt.Sprintf("%d %s", status, http.StatusText(status))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n"+
		"<hr><center>%s</center>\r\n</body>\r\n</html>\r\n", reason, reason, Server)
}
