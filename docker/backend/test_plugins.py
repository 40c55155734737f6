"""A test that loads what the application's tests load of their plugins (see the stage ``test``)."""

import schemathesis

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "one operation", "version": "1"},
    "paths": {
        "/": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"type": "string"}}}},
                "responses": {"200": {"description": "done"}},
            }
        }
    },
}


@schemathesis.openapi.from_dict(DOCUMENT).parametrize()
def test_an_operation_is_collected(case):
    assert case.operation.path == "/"
