"""Who a call was for."""
